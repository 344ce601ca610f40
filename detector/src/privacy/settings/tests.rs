use super::*;

fn mask(points: &[[f32; 2]]) -> Mask {
    Mask {
        name: "screen".to_owned(),
        points: points.to_vec(),
    }
}

const TRIANGLE: [[f32; 2]; 3] = [[0.0, 0.0], [1.0, 0.0], [0.5, 1.0]];

fn with(masks: Vec<Mask>) -> PrivacySettings {
    PrivacySettings {
        mode: PrivacyMode::Open,
        masks,
    }
}

#[test]
fn modes_are_read_and_written_by_their_names() {
    for mode in PrivacyMode::ALL {
        assert_eq!(mode.name().parse(), Ok(mode));
        let json = serde_json::to_string(&mode).expect("a string");
        assert_eq!(json, format!("\"{mode}\""));
        let back: PrivacyMode = serde_json::from_str(&json).expect("a mode");
        assert_eq!(back, mode);
    }
    let error = "blur".parse::<PrivacyMode>().expect_err("no mode");
    assert!(error.to_string().contains("blur_people"), "{error}");
    assert!(PrivacyMode::Silhouettes > PrivacyMode::BlurPeople);
    assert!(!PrivacyMode::Open.needs_detections());
}

#[test]
fn settings_of_a_file_are_read_and_unknown_keys_are_refused() {
    let text = "mode = \"blur_people\"\n[[masks]]\nname = \"till\"\n\
                points = [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]]\n";
    let settings: PrivacySettings = toml::from_str(text).expect("valid");
    assert_eq!(settings.mode, PrivacyMode::BlurPeople);
    assert_eq!(settings.masks[0].points[2], [0.2, 0.3]);
    assert_eq!(settings.check(), Ok(()));
    assert!(toml::from_str::<PrivacySettings>("modus = \"open\"").is_err());
    assert_eq!(toml::from_str("").ok(), Some(PrivacySettings::default()));
}

#[test]
fn masks_are_refused_with_the_reason() {
    assert_eq!(with(vec![mask(&TRIANGLE); 16]).check(), Ok(()));
    let cases: [(PrivacySettings, &str); 7] = [
        (with(vec![mask(&TRIANGLE); 17]), "17 masks"),
        (with(vec![mask(&TRIANGLE[..2])]), "2 points"),
        (with(vec![mask(&[[0.5, 0.5]; 65])]), "65 points"),
        (
            with(vec![mask(&[[0.1, 0.2], [0.3, 1.01], [0.0, 0.0]])]),
            "point 2",
        ),
        (
            with(vec![mask(&[[f32::NAN, 0.2], [0.3, 1.0], [0.0, 0.0]])]),
            "point 1",
        ),
        (
            with(vec![Mask {
                name: String::new(),
                ..mask(&TRIANGLE)
            }]),
            "0 characters",
        ),
        (
            with(vec![
                mask(&TRIANGLE),
                Mask {
                    name: "ü".repeat(61),
                    ..mask(&TRIANGLE)
                },
            ]),
            "mask 2 has 61",
        ),
    ];
    for (settings, reason) in cases {
        let error = settings.check().expect_err(reason);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn a_refused_change_changes_nothing() {
    let control = PrivacyControl::new(with(vec![mask(&TRIANGLE)])).expect("valid");
    let before = control.generation();
    control
        .set(with(vec![mask(&[])]))
        .expect_err("without points");
    assert_eq!(
        (control.generation(), control.settings().masks.len()),
        (before, 1)
    );
    control.set_mode(PrivacyMode::BlurFaces);
    assert_ne!(control.generation(), before);
    assert_eq!(control.mode(), PrivacyMode::BlurFaces);
    assert_eq!(control.settings().masks.len(), 1, "masks are kept");
}

#[test]
fn a_stricter_mode_or_another_mask_hides_more() {
    let open = with(vec![mask(&TRIANGLE)]);
    let mut blurred = open.clone();
    blurred.mode = PrivacyMode::BlurFaces;
    assert!(blurred.hides_more_than(&open) && !open.hides_more_than(&blurred));
    assert!(open.hides_more_than(&with(Vec::new())));
    let mut renamed = open.clone();
    renamed.masks[0].name = "other".to_owned();
    assert!(!renamed.hides_more_than(&open));
}
