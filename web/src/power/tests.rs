use std::path::Path;

use super::*;
use crate::test_folder::TestFolder;

const RULES: PowerRules = PowerRules {
    choice: ProfileChoice::Auto,
    saver_below: 0.25,
    hot_celsius: 95.0,
    low_below: 0.1,
};

fn set(root: &Path, percent: u32) {
    let folder = root.join("sys/class/power_supply/BAT0");
    std::fs::create_dir_all(&folder).expect("writable");
    for (file, content) in [
        ("type", "Battery".to_owned()),
        ("status", "Discharging".to_owned()),
        ("capacity", percent.to_string()),
    ] {
        std::fs::write(folder.join(file), content).expect("writable");
    }
}

#[test]
fn a_battery_that_runs_down_changes_the_profile_and_is_told_once() {
    let root = TestFolder::new();
    set(&root, 80);
    let start = Instant::now();
    let power = Power::new(SystemFiles::new(root.to_path_buf()), start, &RULES);
    assert_eq!(power.view().profile, PowerProfile::Balanced);
    assert!(!power.is_due(start + Duration::from_secs(4)));
    let mut changes = Vec::new();
    let mut low = Vec::new();
    for turn in 1..=80_u32 {
        set(&root, 80 - turn);
        let now = start + Duration::from_secs(u64::from(turn) * 5);
        assert!(power.is_due(now));
        power.read(now, &RULES);
        let view = power.select(now, &RULES);
        changes.extend(view.map(|view| (80 - turn, view.profile, view.reason)));
        if power.view().is_low {
            low.push(80 - turn);
        }
    }
    let saver = (22, PowerProfile::Saver, ProfileReason::LowLevel);
    assert_eq!(changes, [saver], "ten seconds after 24 %");
    assert_eq!(low.first(), Some(&8), "the second reading below 10 %");
    assert_eq!(power.profile_settings(), PowerProfile::Saver.settings());
    set(&root, 12);
    power.read(start + Duration::from_secs(500), &RULES);
    assert!(power.view().is_low, "it has hardly recovered");
    set(&root, 14);
    power.read(start + Duration::from_secs(505), &RULES);
    assert!(!power.view().is_low);
    set(&root, 0);
    power.read(start + Duration::from_secs(510), &RULES);
    assert!(!power.view().is_low, "a single lie");
}

#[test]
fn after_a_suspension_everything_is_read_again() {
    let root = TestFolder::new();
    let start = Instant::now();
    let power = Power::new(SystemFiles::new(root.to_path_buf()), start, &RULES);
    assert!(!power.is_due(start));
    power.note_suspension();
    assert!(power.is_due(start));
    assert_eq!(power.view().suspensions, 1);
}
