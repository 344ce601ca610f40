use capture::PicturePool;

use super::*;

#[test]
fn reserved_rows_shrink_with_the_picture_and_round_up() {
    let pool = PicturePool::new(1);
    let mut frame = Frame::new(pool.take(1280, 720).expect("even"), 0, Instant::now());
    frame.reserved_top_px = 17;
    let half = I420::black(640, 360).expect("even");
    assert_eq!(reserved_top_px(&half, &frame), 9);
    assert_eq!(reserved_top_px(&frame.pixels, &frame), 17);
}
