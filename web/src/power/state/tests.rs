use super::*;

fn battery(level: f64, status: BatteryStatus, rate_w: Option<f64>) -> BatteryReading {
    BatteryReading {
        name: "BAT0".to_owned(),
        status: Some(status),
        level: Some(level),
        full_wh: Some(40.0),
        design_wh: Some(50.0),
        rate_w,
        cycles: Some(10),
    }
}

fn state(batteries: Vec<BatteryReading>, mains: Option<bool>) -> PowerState {
    PowerState::of(&PowerReading {
        batteries,
        mains,
        ..PowerReading::default()
    })
}

const DISCHARGING: BatteryStatus = BatteryStatus::Discharging;

#[test]
fn two_batteries_count_by_their_capacity_and_one_of_them_is_drained() {
    let mut small = battery(0.2, DISCHARGING, Some(9.0));
    small.full_wh = Some(20.0);
    let idle = battery(1.0, BatteryStatus::NotCharging, None);
    let state = state(vec![small, idle], Some(false));
    let both = state.battery.as_ref().expect("two");
    assert_eq!(both.status, Some(DISCHARGING));
    assert_eq!((both.rate_w, both.full_wh), (Some(9.0), Some(60.0)));
    let level = both.level.expect("known");
    assert!((level - 44.0 / 60.0).abs() < 1e-9, "{level}");
    assert!(state.is_on_battery());
}

#[test]
fn mains_follow_from_the_status_where_no_file_says() {
    assert_eq!(
        state(vec![battery(0.5, DISCHARGING, None)], None).mains,
        Some(false)
    );
    assert_eq!(
        state(vec![battery(0.5, BatteryStatus::Charging, None)], None).mains,
        Some(true)
    );
    assert_eq!(state(vec![], None), PowerState::default());
    let weak = state(vec![battery(0.5, DISCHARGING, None)], Some(true));
    assert!(weak.is_on_battery(), "the supply is too weak");
    let unknown = BatteryReading::default();
    let state = state(vec![unknown], None);
    assert!(!state.is_on_battery() && state.level().is_none() && state.mains.is_none());
}

#[test]
fn the_watts_of_packages_survive_the_end_of_their_counter() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let energy = |microjoules| PackageEnergy {
        microjoules,
        wraps_at: 1_000_000_000,
    };
    let mut meter = PackageMeter::default();
    assert_eq!(meter.watts(at(0), &[energy(900_000_000)]), None);
    assert_eq!(meter.watts(at(5), &[energy(950_000_000)]), Some(10.0));
    assert_eq!(
        meter.watts(at(10), &[energy(0)]),
        Some(10.0),
        "it has started again"
    );
    assert_eq!(
        meter.watts(at(10), &[energy(5)]),
        None,
        "no time has passed"
    );
    assert_eq!(meter.watts(at(15), &[]), None, "not readable any more");
    assert_eq!(meter.watts(at(20), &[energy(10)]), None);
    assert_eq!(meter.watts(at(25), &[energy(20_000_010), energy(3)]), None);
}

/// A battery on a virtual clock.
struct Clock {
    start: Instant,
    left: TimeLeft,
}

impl Clock {
    fn at(&mut self, seconds: u64, level: f64, rate_w: Option<f64>) -> Option<u64> {
        let state = state(vec![battery(level, DISCHARGING, rate_w)], None);
        let now = self.start + Duration::from_secs(seconds);
        let (goal, left) = self.left.update(now, state.battery.as_ref())?;
        assert_eq!(goal, BatteryGoal::Empty);
        Some(left.as_secs())
    }
}

fn clock() -> Clock {
    Clock {
        start: Instant::now(),
        left: TimeLeft::default(),
    }
}

#[test]
fn the_time_left_follows_a_load_smoothly() {
    let mut clock = clock();
    assert_eq!(clock.at(0, 0.5, Some(10.0)), Some(7200));
    // Twice the load for five seconds changes it by less than a tenth.
    let peak = clock.at(5, 0.5, Some(20.0)).expect("known");
    assert!((6500..7200).contains(&peak), "{peak}");
    let mut left = peak;
    for second in (10..900).step_by(5) {
        left = clock.at(second, 0.5, Some(20.0)).expect("known");
    }
    assert!((3600..3700).contains(&left), "{left}");
    assert_eq!(
        clock.at(905, 0.5, None),
        Some(left),
        "a reading without a rate keeps it"
    );
}

#[test]
fn a_rate_that_no_driver_tells_is_measured() {
    let mut clock = clock();
    assert_eq!(clock.at(0, 0.50, None), None);
    assert_eq!(clock.at(60, 0.49, None), None, "too soon");
    let left = clock.at(300, 0.45, None).expect("measured");
    assert!((2690..=2710).contains(&left), "{left}");
}

#[test]
fn charging_counts_up_and_a_new_direction_begins_anew() {
    let start = Instant::now();
    let mut left = TimeLeft::default();
    let mut update = |seconds, level, status, rate| {
        let state = state(vec![battery(level, status, Some(rate))], None);
        left.update(start + Duration::from_secs(seconds), state.battery.as_ref())
    };
    update(0, 0.5, DISCHARGING, 40.0);
    let charging = update(5, 0.5, BatteryStatus::Charging, 20.0);
    assert_eq!(
        charging,
        Some((BatteryGoal::Full, Duration::from_secs(3600)))
    );
    assert_eq!(update(10, 1.0, BatteryStatus::Full, 20.0), None);
    assert_eq!(
        update(15, 0.9, DISCHARGING, 0.06),
        None,
        "600 hours are nonsense"
    );
}
