//! The workflows that are part of this program.

macro_rules! workflow {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../workflows/", $name, ".toml")),
            include_str!(concat!("../../workflows/", $name, ".json")),
        )
    };
}

/// Name, TOML and JSON of each, the best first.
pub(super) const FILES: [(&str, &str, &str); 3] = [
    workflow!("flux-schnell"),
    workflow!("flux-schnell-split"),
    workflow!("sdxl-turbo"),
];
