//! Expiry uses elapsed time, whatever the wall clock is set to.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use prometheus_client::registry::Registry;

use crate::api::{JobView, PictureKind, Submission};
use crate::booth::shared::BoothSettings;
use crate::booth::{Booth, erasing, open};
use crate::intake::CheckedPicture;
use crate::intake::limits::Limits;
use crate::intake::tests::samples;
use crate::job::State;
use crate::jobs::expiry::ClockReading;
use crate::metrics::BoothMetrics;
use crate::photo_kind::PhotoKind;
use crate::stylist::{JobContext, MadeBy, Order, RemoteOrder, Style, Stylist, StylistError};
use crate::test_folder::TestFolder;

const HOUR_MS: u64 = 3_600_000;

/// Returns the source picture unchanged.
struct CopyStylist;

impl Stylist for CopyStylist {
    fn made_by(&self) -> MadeBy {
        MadeBy::BuiltIn
    }

    fn styles(&self) -> Vec<Style> {
        vec![Style {
            id: "mirror".to_owned(),
            title: "CopyStylist".to_owned(),
            made_by: MadeBy::BuiltIn,
            away: false,
        }]
    }

    fn ready(&self) -> Result<(), StylistError> {
        Ok(())
    }

    fn stylise(&self, order: &Order, _desk: &dyn JobContext) -> Result<Vec<u8>, StylistError> {
        Ok(order.source.clone())
    }

    fn forget(&self, _order: &RemoteOrder) -> Result<(), StylistError> {
        Ok(())
    }
}

struct Rig {
    dir: TestFolder,
    clocks: Arc<Mutex<ClockReading>>,
}

impl Rig {
    fn new(topic: &str) -> Self {
        Self {
            dir: TestFolder::new(topic),
            clocks: Arc::new(Mutex::new(open::read_clocks())),
        }
    }

    fn open(&self) -> Booth {
        let settings = BoothSettings::in_folder(self.dir.path().join("booth"));
        let clocks = Arc::clone(&self.clocks);
        Booth::open_with(
            settings,
            vec![Arc::new(CopyStylist)],
            BoothMetrics::register(&mut Registry::default(), &[MadeBy::BuiltIn]),
            Box::new(move || clocks.lock().expect("sound").clone()),
        )
        .expect("a booth")
    }

    fn change(&self, change: impl FnOnce(&mut ClockReading)) {
        change(&mut self.clocks.lock().expect("sound"));
    }

    /// Advances both clocks.
    fn pass(&self, ms: u64) {
        self.change(|clocks| {
            clocks.since_boot_ms += ms;
            clocks.unix_ms += ms;
        });
    }
}

fn made(booth: &Booth) -> JobView {
    let source = CheckedPicture::read(
        &samples::jpeg(&samples::flat(64, 64, [200, 30, 30]), 90),
        &Limits::UPLOAD,
    )
    .expect("a picture");
    let asked = Submission {
        visitor: "ann".to_owned(),
        address: "hall".to_owned(),
        style: "mirror".to_owned(),
        photo_kind: PhotoKind::Single,
        made_by: None,
        source,
        share: true,
        key: None,
    };
    let job = booth.submit(asked).expect("taken").job;
    until(|| view(booth, &job).state == State::Done);
    view(booth, &job)
}

fn view(booth: &Booth, job: &JobView) -> JobView {
    booth.view(job.id).expect("readable").expect("known")
}

fn until(is: impl Fn() -> bool) {
    for _ in 0..6000 {
        if is() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("not within a minute");
}

/// One pass of the janitor.
fn look(booth: &Booth) {
    erasing::erase_expired(booth.shared()).expect("writable");
}

#[test]
fn setting_the_clock_neither_expires_nor_keeps_pictures() {
    for far_ms in [25 * HOUR_MS, 400 * 24 * HOUR_MS] {
        for ahead in [true, false] {
            let rig = Rig::new("clock");
            let booth = rig.open();
            let job = made(&booth);
            rig.pass(HOUR_MS);
            rig.change(|clocks| match ahead {
                true => clocks.unix_ms += far_ms,
                false => clocks.unix_ms -= far_ms,
            });
            look(&booth);
            let now = view(&booth, &job);
            assert_eq!(now.state, State::Done, "{far_ms} {ahead}");
            let wall_ms = rig.clocks.lock().expect("sound").unix_ms;
            let left_ms = now.expires_at_unix_ms - wall_ms;
            assert!(left_ms.abs_diff(23 * HOUR_MS) < 10_000, "{left_ms}");
            let shown = booth.gallery(false).expect("readable");
            assert!(wall_ms.abs_diff(shown[0].made_at_unix_ms + HOUR_MS) < 10_000);
            rig.pass(23 * HOUR_MS);
            look(&booth);
            assert_eq!(view(&booth, &job).state, State::Expired);
        }
    }
}

#[test]
fn a_restart_does_not_change_a_pictures_age() {
    let rig = Rig::new("clock-restart");
    let booth = rig.open();
    let job = made(&booth);
    drop(booth);
    rig.pass(HOUR_MS);
    rig.change(|clocks| clocks.unix_ms += 400 * 24 * HOUR_MS);
    let booth = rig.open();
    look(&booth);
    assert_eq!(view(&booth, &job).state, State::Done);
    drop(booth);
    // The machine is off for longer than the retention period.
    rig.change(|clocks| {
        clocks.boot = "another".to_owned();
        clocks.since_boot_ms = 60_000;
        clocks.unix_ms += 24 * HOUR_MS;
    });
    let booth = rig.open();
    look(&booth);
    assert_eq!(view(&booth, &job).state, State::Expired);
}

#[test]
fn a_finished_picture_is_done_at_once_and_expires_as_every_other_one() {
    let rig = Rig::new("kept");
    let booth = rig.open();
    let picture = samples::jpeg(&samples::flat(64, 64, [20, 130, 30]), 90);
    let picture = CheckedPicture::read(&picture, &Limits::RESULT).expect("a picture");
    let job = booth.keep(&picture, "game").expect("kept");
    assert_eq!((job.state, job.style.as_str()), (State::Done, "game"));
    assert!(!job.share && job.has_result && job.gallery.is_none());
    for which in [PictureKind::Source, PictureKind::Result] {
        let stored = booth.picture(job.id, which).expect("readable");
        assert_eq!(stored.as_deref(), Some(picture.jpeg()));
    }
    assert_eq!(booth.waiting(), 0);
    drop(booth);
    let booth = rig.open();
    assert_eq!(view(&booth, &job).state, State::Done, "after a restart");
    let files = || std::fs::read_dir(rig.dir.path().join("booth/pictures"));
    assert_eq!(files().expect("readable").count(), 2);
    rig.pass(25 * HOUR_MS);
    look(&booth);
    assert_eq!(view(&booth, &job).state, State::Expired);
    // The janitor may have been first: it deletes the files after it has written the state.
    until(|| files().expect("readable").count() == 0);
}
