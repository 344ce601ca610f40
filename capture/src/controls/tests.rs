use super::*;

fn offered(min: i64, max: i64, step: i64) -> OfferedControl {
    OfferedControl {
        min,
        max,
        step,
        default: min,
        value: min,
        menu: Vec::new(),
        is_active: true,
        is_read_only: false,
    }
}

fn menu(items: &[i64]) -> OfferedControl {
    OfferedControl {
        menu: items.to_vec(),
        ..offered(0, 3, 1)
    }
}

fn control(key: &str) -> &'static KnownControl {
    known(key).expect("in the table")
}

fn values<const N: usize>(values: [(&str, ControlValue); N]) -> ControlValues {
    values.map(|(key, value)| (key.to_owned(), value)).into()
}

use ControlValue::{Flag, Number};

#[test]
fn what_the_camera_chooses_is_set_before_what_it_would_choose() {
    let wanted = values([
        ("exposure", Number(120)),
        ("focus", Number(0)),
        ("focus_auto", Flag(true)),
        ("brightness", Number(7)),
    ]);
    let steps = steps(&ControlValues::new(), &wanted);
    let order: Vec<(&str, bool)> = steps
        .iter()
        .map(|step| (step.control.key, step.is_implied))
        .collect();
    assert_eq!(
        order,
        [
            ("exposure_auto", true),
            ("focus_auto", false),
            ("exposure", false),
            ("brightness", false)
        ]
    );
    assert_eq!(steps[0].value, Some(Flag(false)), "a fixed exposure");
    assert_eq!(steps[1].value, Some(Flag(true)), "as it was asked for");
}

#[test]
fn what_is_not_wanted_any_more_returns_to_its_default() {
    let before = values([("exposure", Number(120)), ("zoom", Number(200))]);
    let steps = steps(&before, &values([("zoom", Number(100))]));
    let all: Vec<(&str, Option<ControlValue>)> = steps
        .into_iter()
        .map(|step| (step.control.key, step.value))
        .collect();
    assert_eq!(
        all,
        [
            ("exposure_auto", None),
            ("exposure", None),
            ("zoom", Some(Number(100)))
        ]
    );
}

#[test]
fn numbers_are_fitted_into_the_range_and_its_steps() {
    let fit = |number, offered: &OfferedControl| {
        let fitted = control("zoom").fitted(offered, &Number(number));
        let fitted = fitted.expect("a number");
        (fitted.raw, fitted.is_exact)
    };
    let coarse = offered(3, 500, 10);
    assert_eq!(fit(3, &coarse), (3, true));
    assert_eq!(fit(23, &coarse), (23, true));
    assert_eq!(fit(30, &coarse), (23, false));
    assert_eq!(fit(9000, &coarse), (493, false));
    assert_eq!(fit(-1, &coarse), (3, false));
    assert_eq!(fit(i64::MIN, &offered(-10, 10, 1)), (-10, false));
    // Nonsense of a driver.
    assert_eq!(fit(5, &offered(7, 3, 0)), (7, false));
    let error = control("zoom").wrong_value(&coarse).to_string();
    assert_eq!(
        error,
        "zoom takes whole numbers from 3 to 500 in steps of 10"
    );
}

#[test]
fn the_modes_of_exposure_are_a_flag() {
    let exposure = control("exposure_auto");
    let raw = |menu: &OfferedControl, value| exposure.fitted(menu, &value).map(|fit| fit.raw);
    let usual = menu(&[EXPOSURE_MANUAL, EXPOSURE_APERTURE]);
    assert_eq!(raw(&usual, Flag(true)), Ok(EXPOSURE_APERTURE));
    assert_eq!(raw(&usual, Flag(false)), Ok(EXPOSURE_MANUAL));
    assert_eq!(raw(&menu(&[EXPOSURE_AUTO]), Flag(true)), Ok(EXPOSURE_AUTO));
    assert!(raw(&menu(&[EXPOSURE_AUTO]), Flag(false)).is_err());
    assert!(raw(&usual, Number(1)).is_err());
    let shown = exposure.described(&OfferedControl {
        value: EXPOSURE_APERTURE,
        default: EXPOSURE_MANUAL,
        ..usual
    });
    assert_eq!((shown.value, shown.default), (Flag(true), Flag(false)));
}

#[test]
fn the_power_line_frequency_is_a_choice_of_what_is_offered() {
    let (line, offered) = (control("power_line_hz"), menu(&[0, 1, 2]));
    let raw = |value| line.fitted(&offered, &value).map(|fit| fit.raw);
    assert_eq!(raw(ControlValue::Choice("60".to_owned())), Ok(2));
    assert_eq!(raw(Number(50)), Ok(1));
    let refused = raw(ControlValue::Choice("auto".to_owned())).expect_err("not offered");
    assert_eq!(
        refused.to_string(),
        "power_line_hz takes one of off, 50, 60"
    );
}

#[test]
fn a_control_that_cannot_be_changed_says_so_and_a_typing_error_lists_the_keys() {
    let fixed = OfferedControl {
        is_read_only: true,
        ..offered(0, 1, 1)
    };
    let refused = control("gain").fitted(&fixed, &Number(1));
    assert_eq!(refused, Err(ControlError::ReadOnly("gain")));
    assert!(check_control_keys(&values([("gain", Number(1))])).is_ok());
    let unknown = check_control_keys(&values([("gian", Number(1))])).expect_err("a typing error");
    let text = unknown.to_string();
    assert!(
        text.contains("gian") && text.contains("exposure, "),
        "{text}"
    );
}

#[test]
fn every_choice_of_the_camera_is_a_flag_of_the_table() {
    for known_control in KNOWN {
        if let Some(choice) = known_control.chosen_by {
            let choice = control(choice);
            assert!(matches!(
                choice.encoding,
                Encoding::Flag | Encoding::ExposureMode
            ));
        }
        let same =
            |other: &&KnownControl| other.key == known_control.key || other.id == known_control.id;
        assert_eq!(
            KNOWN.iter().filter(same).count(),
            1,
            "{}",
            known_control.key
        );
    }
}
