// The power profiles as a station is measured with them.

// `toml`: the station's configuration, key by key what `[power] profile = "..."` stands for. A network camera is not asked
// for a size or a rate as a webcam is, so that the camera of the measurement has those of the profile.
export const PROFILES = {
  full: { toml: 'detect_when = "always"\n', camera: { width: 1280, height: 720, fps: 30 } },
  balanced: { toml: 'detect_when = "motion"\n', camera: { width: 1280, height: 720, fps: 30 } },
  saver: {
    toml: 'detect_when = "motion"\ndetect_fps = 5\n',
    camera: { width: 640, height: 360, fps: 15 },
  },
};
