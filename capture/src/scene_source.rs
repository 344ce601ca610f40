//! Plays the built-in test scene at its 30 frames a second.

use std::time::{Duration, Instant};

use crate::clock::WallClock;
use crate::error::CaptureError;
use crate::outlet::{Opened, Outlet};
use crate::scene::{FPS, Scene};

/// Draws until nobody wants it.
pub(crate) fn run(clock: WallClock, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let scene = Scene::new(clock, outlet.pool().clone())?;
    outlet.opened(Opened {
        source: "test scene".to_owned(),
        fps: FPS as f32,
        camera: None,
    });
    let interval = Duration::from_secs(1) / FPS;
    let mut due = Instant::now();
    while outlet.wanted() {
        outlet.pause_until(due);
        // The moment it is drawn, not the moment it was due: the timecode strip measures from here.
        let now = Instant::now();
        if !outlet.unseen() {
            // The movement goes on where it was when the source comes back.
            let elapsed = now.saturating_duration_since(clock.origin());
            let frame = outlet.timed(|| scene.frame_at(elapsed, now, 0));
            let size = (frame.pixels.width(), frame.pixels.height());
            outlet.publish_frame(size, |seq| crate::frame::Frame { seq, ..frame });
        }
        due += interval;
        if due < now {
            due = now + interval;
        }
    }
    Ok(())
}
