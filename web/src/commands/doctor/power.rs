//! Battery, mains and heat in `carrier doctor`.

use std::time::Instant;

use super::finding::Finding;
use crate::config::PowerConfig;
use crate::environment;
use crate::power::{Power, PowerView, SystemFiles};

pub(super) fn check(config: &PowerConfig) -> Finding {
    let files = SystemFiles::new(environment::system_root());
    finding(&Power::new(files, Instant::now(), &config.rules()).view())
}

fn finding(view: &PowerView) -> Finding {
    let profile = format!(
        "profile {}: {}",
        view.profile.name(),
        view.reason.in_words()
    );
    let hottest = view.state.hottest.as_ref();
    let hottest = hottest.map(|hottest| format!("{} {:.0} °C", hottest.sensor, hottest.celsius));
    let battery = view.state.battery.as_ref();
    let known = [
        battery.map(|battery| battery.in_words()),
        hottest,
        Some(profile),
    ];
    let words = known.into_iter().flatten().collect::<Vec<_>>().join("; ");
    match (battery, view.is_low) {
        (None, _) => {
            let fix = "nothing has to be done, unless the machine runs on a battery: its driver is missing then";
            Finding::note("power", words, fix)
        }
        (Some(_), true) => Finding::bad("power", words, "connect a charger"),
        (Some(_), false) => Finding::ok("power", words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::State;
    use crate::test_folder::TestFolder;

    fn finding_at(percent: Option<u8>) -> Finding {
        let root = TestFolder::new();
        if let Some(percent) = percent {
            let folder = root.join("sys/class/power_supply/BAT1");
            std::fs::create_dir_all(&folder).expect("writable");
            for (file, content) in [
                ("type", "Battery".to_owned()),
                ("status", "Discharging".to_owned()),
                ("capacity", percent.to_string()),
            ] {
                std::fs::write(folder.join(file), content).expect("writable");
            }
        }
        let rules = PowerConfig::default().rules();
        let files = SystemFiles::new(root.to_path_buf());
        finding(&Power::new(files, Instant::now(), &rules).view())
    }

    #[test]
    fn a_machine_without_a_battery_is_fine_and_an_empty_one_is_not() {
        assert_eq!(finding_at(None).state, State::Note);
        let well = finding_at(Some(80));
        assert_eq!(well.state, State::Ok);
        assert!(
            well.words
                .starts_with("BAT1: 80 %, discharging; profile balanced"),
            "{}",
            well.words
        );
        assert_eq!(finding_at(Some(4)).state, State::Bad);
    }
}
