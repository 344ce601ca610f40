//! What each crate must not use.

/// Crates that a crate must not import, in its sources and its `[dependencies]`.
pub(super) struct CrateRule {
    pub(super) folder: &'static str,
    pub(super) never: &'static [&'static str],
}

pub(super) const CRATE_RULES: [CrateRule; 6] = [
    CrateRule {
        folder: "capture",
        never: &[
            "tokio",
            "axum",
            "ort",
            "rtc",
            "webrtc",
            "openh264",
            "mio",
            "quinn_udp",
            "anyhow",
            "detector",
            "signaling",
            "stylise",
        ],
    },
    CrateRule {
        folder: "detector",
        never: &[
            "tokio",
            "axum",
            "nokhwa",
            "opencv",
            "rtc",
            "webrtc",
            "openh264",
            "mio",
            "quinn_udp",
            "anyhow",
            "signaling",
            "stylise",
        ],
    },
    CrateRule {
        folder: "screen",
        never: &[
            "tokio",
            "axum",
            "ort",
            "nokhwa",
            "opencv",
            "rtc",
            "webrtc",
            "openh264",
            "mio",
            "quinn_udp",
            "anyhow",
            "detector",
            "signaling",
            "stylise",
        ],
    },
    CrateRule {
        folder: "signaling",
        never: &[
            "axum", "ort", "nokhwa", "opencv", "anyhow", "detector", "stylise",
        ],
    },
    CrateRule {
        folder: "stylise",
        never: &[
            "axum",
            "ort",
            "nokhwa",
            "rtc",
            "webrtc",
            "openh264",
            "mio",
            "quinn_udp",
            "anyhow",
            "detector",
            "signaling",
        ],
    },
    CrateRule {
        folder: "web",
        never: &[
            "ort",
            "nokhwa",
            "opencv",
            "rtc",
            "webrtc",
            "openh264",
            "mio",
            "quinn_udp",
            "rusqlite",
            "tungstenite",
            "drm",
            "winit",
            "softbuffer",
        ],
    },
];
