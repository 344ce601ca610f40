// The mock's canned /api/status.

export function liveStatus() {
  return {
    version: "0.0.0-mock",
    name: "carrier",
    source: {
      state: "live",
      description: "test scene",
      note: null,
      reason: null,
      width: 1280,
      height: 720,
      fps: 30,
    },
    cameras: [],
    detector: {
      state: "running",
      model: "yolox_nano",
      provider: "cpu",
      message: null,
      fix: null,
      fps: 29.8,
      inference_ms: 12.1,
    },
    rendition: { width: 1280, height: 720, fps: 30, bitrate_bps: 1500000 },
    media_port: 8189,
    publish: null,
  };
}
