//! Renditions that are withheld for a while.

use super::*;
use crate::fanout::media_sender::Phase;
use crate::fanout::packet_ring::tests::frame_of;
use crate::metrics::RenditionChange;

const SMALLER: usize = 1;

fn smaller() -> RenditionId {
    RenditionId::new(SMALLER).expect("a default rendition")
}

impl Station {
    fn only_viewer(&mut self) -> &mut Viewer {
        self.audience.viewers.values_mut().next().expect("one")
    }

    fn tick(&mut self, at: u32) {
        let now = self.start + at * MS;
        self.audience.tick(now, &mut |_: &[Run]| {});
    }

    fn keyframe(&mut self, at: u32, of: RenditionId) {
        let now = self.start + at * MS;
        let frame = frame_of(of, u64::from(at), true, 3);
        self.audience.frame(now, frame, &mut |_: &[Run]| {});
    }
}

#[test]
fn a_viewer_leaves_a_withheld_rendition_at_a_keyframe_and_comes_back_when_it_is_offered() {
    let mut station = station();
    station.appear(station.start);
    station.only_viewer().media.phase = Phase::Live;
    station.tick(10);
    let demand = Arc::clone(&station.audience.demand);
    demand.set_withheld(RenditionId::MAIN, true);
    station.tick(600);
    assert_eq!(station.only_viewer().media.next, Some(smaller()));
    assert_eq!(
        station.only_viewer().media.rendition,
        RenditionId::MAIN,
        "until its keyframe"
    );
    assert_eq!(
        (demand.viewers(RenditionId::MAIN), demand.viewers(smaller())),
        (1, 1)
    );
    station.keyframe(640, smaller());
    let cause = |station: &mut Station| station.only_viewer().media.rendition_change;
    assert_eq!(station.only_viewer().media.rendition, smaller());
    assert_eq!(cause(&mut station), Some(RenditionChange::RenditionGone));
    assert_eq!(
        demand.viewers(RenditionId::MAIN),
        0,
        "it is not encoded any more"
    );

    // Within a second: without feedback from it, the viewer would count as congested after that.
    demand.set_withheld(RenditionId::MAIN, false);
    station.tick(1120);
    station.keyframe(1160, RenditionId::MAIN);
    assert_eq!(station.only_viewer().media.rendition, RenditionId::MAIN);
    assert_eq!(cause(&mut station), Some(RenditionChange::RenditionBack));
}

#[test]
fn who_joins_meanwhile_begins_with_the_largest_that_is_offered() {
    let mut station = station();
    let demand = Arc::clone(&station.audience.demand);
    demand.set_withheld(RenditionId::MAIN, true);
    let start = station.start;
    let chosen = NewViewer {
        choice: RenditionChoice::Fixed(RenditionId::MAIN),
        ..station.newcomer(start)
    };
    station.audience.join(start, chosen).expect("room");
    assert_eq!(station.only_viewer().media.rendition, smaller());
    station.audience.viewers.clear();
    station.appear(start);
    assert_eq!(station.only_viewer().media.rendition, smaller());
    assert_eq!(
        (demand.viewers(RenditionId::MAIN), demand.viewers(smaller())),
        (0, 1)
    );
}
