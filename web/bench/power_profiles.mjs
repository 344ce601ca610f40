// The power profiles as a station is measured with them.

const toml = (profile) => `[power]\nprofile = "${profile}"\n`;

// A network camera is not asked for a size or a rate as a webcam is, so that the camera of the measurement has those of the
// profile.
export const PROFILES = {
  full: { toml: toml("full"), camera: { width: 1280, height: 720, fps: 30 } },
  balanced: { toml: toml("balanced"), camera: { width: 1280, height: 720, fps: 30 } },
  saver: { toml: toml("saver"), camera: { width: 640, height: 360, fps: 15 } },
};
