//! `[[zones]]`: parts of the picture with names, and those in which nothing is detected.

use detector::{Zone, check_zones};

use super::ConfigError;
use super::cameras::CameraEntry;

/// Checks the zones; each that names a camera needs it in `[[cameras]]`.
pub(super) fn check(zones: &[Zone], cameras: &[CameraEntry]) -> Result<(), ConfigError> {
    check_zones(zones).map_err(|why| ConfigError::value("zones", "(these)", why.to_string()))?;
    for zone in zones {
        let is_known = |name: &String| cameras.iter().any(|camera| camera.name == *name);
        if zone.camera.as_ref().is_some_and(|name| !is_known(name)) {
            let camera = zone.camera.clone().unwrap_or_default();
            let why = format!("[[cameras]] has no camera `{camera}`");
            return Err(ConfigError::value("zones", zone.name.as_str(), why));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use detector::{Anchor, ZoneKind};

    use crate::config::Config;
    use crate::config::error::message;

    fn config(text: &str) -> Config {
        toml::from_str(text).expect("valid TOML")
    }

    const CAMERA: &str = "[[cameras]]\nname = \"front\"\nsource = \"webcam:0\"\n";
    const ZONE: &str = "[[zones]]\nname = \"door\"\npoints = [[0, 0], [1, 0.0], [0.5, 1]]\n";

    #[test]
    fn a_zone_has_defaults_and_may_name_a_camera() {
        let plain = &config(ZONE).zones[0];
        assert_eq!((plain.kind, plain.dwell_s), (ZoneKind::Named, 0));
        assert_eq!((&plain.camera, plain.anchor), (&None, None));
        let all = "camera = \"front\"\nkind = \"ignore\"\nanchor = \"centre\"\ndwell_s = 30\n";
        let config = config(&format!("{CAMERA}{ZONE}{all}"));
        assert_eq!(message(config.check()), "");
        let zone = &config.zones[0];
        assert_eq!((zone.kind, zone.dwell_s), (ZoneKind::Ignore, 30));
        assert_eq!(zone.anchor, Some(Anchor::Centre));
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (text, why) in [
            (format!("{ZONE}camera = \"side\"\n"), "`side`"),
            (format!("{ZONE}{ZONE}"), "two zones"),
            (ZONE.replace("0.5, 1", "0.5, 1.5"), "point 3"),
            (ZONE.replace(", [0.5, 1]", ""), "2 points"),
            ("min_size = 1.5".to_owned(), "min_size"),
            (
                "[counting]\nkeep_hours = 0".to_owned(),
                "counting.keep_hours",
            ),
        ] {
            let told = message(config(&text).check());
            assert!(told.contains(why), "{text}: {told}");
        }
    }
}
