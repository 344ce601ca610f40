// The power profiles as a station is measured with them.

// A network camera is not asked for a size or a rate as a webcam is, so that the camera of the measurement has those of
// the profile.
const HD = { width: 1280, height: 720, fps: 30 };
const SMALL = { width: 640, height: 360, fps: 15 };

export const PROFILES = { full: HD, balanced: HD, saver: SMALL };

// The station's configuration.
export const configurationOf = (profile) => `[power]\nprofile = "${profile}"\n`;
