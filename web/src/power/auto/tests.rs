use super::*;
use crate::power::reading::{BatteryStatus, Temperature};
use crate::power::state::BatteryState;

const SAVER: PowerProfile = PowerProfile::Saver;
const BALANCED: PowerProfile = PowerProfile::Balanced;
const FULL: PowerProfile = PowerProfile::Full;

const RULES: PowerRules = PowerRules {
    choice: ProfileChoice::Auto,
    saver_below: 0.25,
    hot_celsius: 95.0,
    low_below: 0.1,
};

/// A station on a virtual clock that is read every five seconds.
struct Rig {
    selection: ProfileSelection,
    now: Instant,
    rules: PowerRules,
    state: PowerState,
}

fn rig(state: PowerState) -> Rig {
    Rig {
        selection: ProfileSelection::default(),
        now: Instant::now(),
        rules: RULES,
        state,
    }
}

impl Rig {
    fn reading(&mut self) -> (PowerProfile, ProfileReason) {
        self.now += Duration::from_secs(5);
        self.selection.note_heat(self.now, &self.state, &self.rules);
        self.select()
    }

    fn select(&mut self) -> (PowerProfile, ProfileReason) {
        self.selection.select(self.now, &self.state, &self.rules)
    }

    /// The profile after so many readings.
    fn after(&mut self, readings: usize) -> PowerProfile {
        let profiles = (0..readings).map(|_| self.reading().0);
        profiles.last().expect("a reading")
    }

    fn heat(&mut self, celsius: f64) {
        self.state.hottest = Some(Temperature {
            sensor: "x86_pkg_temp".to_owned(),
            celsius,
        });
    }
}

fn on(mains: bool, level: Option<f64>) -> PowerState {
    let status = match mains {
        true => BatteryStatus::Charging,
        false => BatteryStatus::Discharging,
    };
    PowerState {
        battery: Some(BatteryState {
            status: Some(status),
            level,
            ..BatteryState::default()
        }),
        mains: Some(mains),
        ..PowerState::default()
    }
}

#[test]
fn the_start_takes_what_fits_at_once() {
    let first = |state| rig(state).select();
    assert_eq!(
        first(PowerState::default()),
        (FULL, ProfileReason::NoBattery)
    );
    assert_eq!(first(on(true, Some(0.05))), (FULL, ProfileReason::Mains));
    assert_eq!(
        first(on(false, Some(0.8))),
        (BALANCED, ProfileReason::Battery)
    );
    assert_eq!(
        first(on(false, Some(0.2))),
        (SAVER, ProfileReason::LowLevel)
    );
    assert_eq!(first(on(false, None)), (BALANCED, ProfileReason::Battery));
}

#[test]
fn going_down_takes_ten_seconds_and_going_up_a_minute() {
    let mut rig = rig(on(true, Some(0.8)));
    assert_eq!(rig.after(1), FULL);
    rig.state = on(false, Some(0.8));
    assert_eq!(rig.after(2), FULL);
    assert_eq!(rig.after(1), BALANCED);
    rig.state = on(false, Some(0.2));
    assert_eq!(rig.after(2), BALANCED);
    assert_eq!(rig.after(1), SAVER);
    rig.state = on(true, Some(0.2));
    assert_eq!(rig.after(12), SAVER);
    assert_eq!(rig.after(1), FULL);
}

#[test]
fn a_loose_plug_and_a_single_lie_change_nothing() {
    let mut rig = rig(on(false, Some(0.8)));
    assert_eq!(rig.after(1), BALANCED);
    for _ in 0..50 {
        rig.state = on(true, Some(0.8));
        assert_eq!(rig.after(8), BALANCED);
        rig.state = on(false, Some(0.8));
        assert_eq!(rig.after(2), BALANCED);
    }
    rig.state = on(false, Some(0.0));
    assert_eq!(rig.after(1), BALANCED);
    rig.state = PowerState::default();
    assert_eq!(
        rig.after(2),
        BALANCED,
        "the battery's files are gone for a moment"
    );
    rig.state = on(false, Some(0.8));
    assert_eq!(rig.after(1), BALANCED);
}

#[test]
fn a_level_around_the_limit_does_not_flap() {
    let mut rig = rig(on(false, Some(0.26)));
    assert_eq!(rig.after(1), BALANCED);
    let mut profiles = Vec::new();
    for turn in 0..400 {
        rig.state = on(false, Some(if turn % 10 < 5 { 0.249 } else { 0.251 }));
        profiles.push(rig.reading().0);
    }
    let changes = profiles.windows(2).filter(|pair| pair[0] != pair[1]);
    assert_eq!((changes.count(), profiles.last()), (1, Some(&SAVER)));
    rig.state = on(false, Some(0.29));
    assert_eq!(rig.after(100), SAVER);
    rig.state = on(false, Some(0.31));
    assert_eq!(rig.after(14), BALANCED);
}

#[test]
fn the_choice_of_the_owner_is_taken_at_once_and_auto_again_too() {
    let mut rig = rig(on(true, Some(0.8)));
    assert_eq!(rig.after(1), FULL);
    for (choice, profile) in [
        (ProfileChoice::Saver, SAVER),
        (ProfileChoice::Full, FULL),
        (ProfileChoice::Balanced, BALANCED),
    ] {
        rig.rules.choice = choice;
        assert_eq!(rig.select(), (profile, ProfileReason::Chosen));
    }
    rig.rules.choice = ProfileChoice::Auto;
    assert_eq!(rig.select(), (FULL, ProfileReason::Mains));
}

#[test]
fn heat_on_mains_is_left_only_when_it_is_over() {
    let mut rig = rig(on(true, Some(0.9)));
    rig.heat(80.0);
    assert_eq!(rig.after(20), FULL);
    rig.heat(96.0);
    assert_eq!(rig.after(3), BALANCED);
    assert_eq!(rig.reading().1, ProfileReason::Heat);
    rig.heat(90.0);
    assert_eq!(rig.after(200), BALANCED, "still close to the limit");
    rig.heat(70.0);
    assert_eq!(rig.after(24), BALANCED);
    assert_eq!(rig.after(14), FULL);
}

#[test]
fn a_processor_that_is_slowed_down_again_and_again_is_hot() {
    let mut rig = rig(on(true, Some(0.9)));
    let mut count = 0;
    for turn in 0..20 {
        count += u64::from(turn % 3 == 0);
        rig.state.throttles = Some(count);
        assert_eq!(rig.reading().0, FULL, "moments are harmless");
    }
    for _ in 0..6 {
        count += 9;
        rig.state.throttles = Some(count);
        rig.reading();
    }
    assert_eq!(rig.select(), (BALANCED, ProfileReason::Heat));
    rig.state.battery = None;
    assert_eq!(rig.after(13), FULL, "a desktop has all it needs");
}
