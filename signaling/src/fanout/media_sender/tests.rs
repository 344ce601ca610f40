use super::*;

#[test]
fn freezes_add_up_and_overlapping_ones_count_once() {
    let (mut clock, start) = (FreezeClock::default(), Instant::now());
    let at = |millis| start + Duration::from_millis(millis);
    clock.ended(at(5));
    clock.began(at(10));
    clock.began(at(200));
    assert_eq!(clock.total(at(300)), Duration::from_millis(290));
    clock.ended(at(310));
    clock.began(at(1000));
    clock.ended(at(1100));
    assert_eq!(clock.total(at(5000)), Duration::from_millis(400));
}
