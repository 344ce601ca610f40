use super::*;

pub(crate) fn ladder() -> Vec<Rung> {
    [1_500_000, 600_000, 200_000]
        .into_iter()
        .enumerate()
        .map(|(index, bps)| Rung {
            id: RenditionId::new(index).expect("three"),
            nominal_bps: bps,
            target_bps: bps,
            needs_bps: bps,
        })
        .collect()
}

fn index(id: Option<RenditionId>) -> Option<usize> {
    id.map(RenditionId::index)
}

#[test]
fn the_largest_fitting_rendition_is_chosen_else_the_smallest() {
    let ladder = ladder();
    let fits = |bps| index(fitting(&ladder, bps));
    assert_eq!(fits(1_500_000), Some(0));
    assert_eq!(fits(900_000), Some(1));
    assert_eq!(fits(270_000), Some(2));
    assert_eq!(fits(50_000), Some(2));
    assert_eq!(fitting(&[], 1), None);
}

#[test]
fn moving_up_needs_a_margin() {
    let ladder = ladder();
    let from = |place: usize, bps| index(upgrade(&ladder, ladder[place].id, bps));
    assert_eq!(from(2, Some(650_000)), None);
    assert_eq!(from(2, Some(700_000)), Some(1));
    assert_eq!(from(2, Some(1_800_000)), Some(0), "two steps at once");
    assert_eq!(from(1, None), Some(0));
    assert_eq!(from(0, None), None);
}

#[test]
fn probes_aim_at_the_next_useful_rate() {
    let mut ladder = ladder();
    let goal = |ladder: &[Rung], place: usize, bps| probe_goal(ladder, ladder[place].id, bps, None);
    assert_eq!(goal(&ladder, 2, 270_000), Some(720_000));
    assert_eq!(
        goal(&ladder, 2, 180_000),
        Some(240_000),
        "its own nominal rate first"
    );
    assert_eq!(goal(&ladder, 1, 700_000), Some(720_000));
    assert_eq!(goal(&ladder, 1, 800_000), Some(1_800_000));
    let burst = |bps, burst| probe_goal(&ladder, ladder[2].id, bps, Some(burst));
    assert_eq!(
        burst(270_000, 9_000_000),
        Some(1_800_000),
        "both steps at once"
    );
    assert_eq!(burst(270_000, 1_000_000), Some(720_000));
    assert_eq!(burst(270_000, 300_000), Some(720_000), "as without bursts");
    ladder[0].target_bps = 900_000;
    assert_eq!(
        goal(&ladder, 0, 950_000),
        Some(1_800_000),
        "its encoder is throttled"
    );
    assert!(carries_all(&ladder, 1_800_000) && !carries_all(&ladder, 1_600_000));
}

fn targets_of(viewers: &[(usize, Option<u32>)]) -> Vec<u32> {
    let mut ladder = ladder();
    let viewers = viewers
        .iter()
        .map(|(place, estimate)| (RenditionId::new(*place).expect("three"), *estimate));
    targets(&mut ladder, viewers);
    ladder.iter().map(|rung| rung.target_bps).collect()
}

#[test]
fn the_target_follows_a_single_viewer_within_limits() {
    assert_eq!(targets_of(&[(0, None)]), [1_500_000, 600_000, 200_000]);
    assert_eq!(targets_of(&[(0, Some(1_000_000))])[0], 920_000);
    assert_eq!(
        targets_of(&[(0, Some(300_000))])[0],
        660_000,
        "at least 44 %"
    );
    assert_eq!(targets_of(&[(0, Some(9_000_000))])[0], 1_500_000);
    assert_eq!(targets_of(&[(2, Some(50_000))])[2], 90_000);
}

#[test]
fn the_slowest_viewer_alone_does_not_lower_the_target() {
    let slow_among = |all: usize| {
        let mut viewers = vec![(0, None); all - 1];
        viewers.push((0, Some(800_000)));
        targets_of(&viewers)[0]
    };
    assert_eq!(slow_among(2), 1_500_000);
    assert_eq!(slow_among(50), 1_500_000);
    let of_two = |other| targets_of(&[(0, Some(800_000)), (0, other)])[0];
    assert_eq!(
        of_two(Some(1_400_000)),
        736_000,
        "unless all paths are limited"
    );
    assert_eq!(of_two(None), 1_500_000);
    let half: Vec<(usize, Option<u32>)> = (0..50)
        .map(|index| (0, (index % 2 == 0).then_some(1_200_000)))
        .collect();
    assert_eq!(targets_of(&half)[0], 1_104_000);
}
