//! One viewer of `/stream.mjpg`: waits until its connection takes a picture, and makes the part with the newest one.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use capture::SlotReader;
use signaling::{Composed, PictureLease};
use tokio::time::{Instant, sleep, sleep_until};

use super::adaptation::Adaptation;
use super::metrics::CountedViewer;
use crate::access::admission::ViewerPlace;
use crate::app::App;
use crate::http::send_progress::SendProgress;
use crate::stills::StillKind;

pub(crate) const BOUNDARY: &str = "carrier-frame";
/// How often a connection is looked at while a picture is on the way.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// The kernel asks for more when less than this has not left: little, so that what is handed over leaves soon.
const UNSENT_BYTES: u32 = 16 * 1024;

/// Its lease counts as demand for pictures.
pub(crate) struct MjpegViewer {
    #[expect(dead_code, reason = "held for its drop")]
    place: ViewerPlace,
    #[expect(dead_code, reason = "held for its drop")]
    lease: PictureLease,
    pictures: SlotReader<Composed>,
    next_at: Instant,
    period: Duration,
    progress: SendProgress,
    adaptation: Adaptation,
    counted: CountedViewer,
    app: Arc<App>,
}

impl MjpegViewer {
    pub(crate) fn new(
        app: Arc<App>,
        place: ViewerPlace,
        progress: SendProgress,
        period: Duration,
    ) -> Self {
        progress.limit_unsent(UNSENT_BYTES);
        let adaptation = Adaptation::new();
        Self {
            place,
            lease: app.slots.demand.watch_picture(),
            pictures: app.slots.composed.reader(),
            next_at: Instant::now(),
            period,
            progress,
            counted: app.mjpeg_metrics.watch(adaptation.level()),
            adaptation,
            app,
        }
    }

    /// Waits until the frame rate and the connection allow the next part, then for a new picture. `None`: the feed has
    /// ended.
    pub(crate) async fn part(&mut self) -> Option<Bytes> {
        self.wait().await;
        loop {
            let epoch = self.app.slots.demand.picture_epoch().now();
            let picture = self.pictures.next().await?;
            self.next_at = Instant::now() + self.period;
            let (level, captured_at) = (self.adaptation.level(), picture.captured_at);
            let kind = StillKind::Painted(level);
            let jpeg = self.app.stills.jpeg(picture, kind).await;
            if epoch != self.app.slots.demand.picture_epoch().now() {
                // overflow: newest-wins, uncounted: it was taken back meanwhile.
                continue;
            }
            match jpeg {
                Ok(jpeg) => {
                    let part = frame_part(&jpeg, self.app.slots.clock.unix_ms(captured_at));
                    let now = std::time::Instant::now();
                    let bytes = u32::try_from(part.len()).unwrap_or(u32::MAX);
                    let offered = self.progress.now().offered;
                    self.adaptation.sent(now, level, bytes, offered);
                    let age = now.saturating_duration_since(captured_at);
                    self.app.mjpeg_metrics.sent(level, age.as_secs_f64());
                    return Some(part);
                }
                Err(error) => {
                    tracing::warn!(%error, "a picture of an MJPEG stream could not be encoded and is skipped")
                }
            }
        }
    }

    async fn wait(&mut self) {
        loop {
            let level = self.adaptation.level();
            let now = std::time::Instant::now();
            self.adaptation.observe(now, self.progress.now());
            if self.adaptation.level() != level {
                self.counted = self.app.mjpeg_metrics.watch(self.adaptation.level());
            }
            if self.adaptation.is_idle() {
                break sleep_until(self.next_at).await;
            }
            if self.adaptation.is_ready() && Instant::now() >= self.next_at {
                break;
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

/// A part's header, the picture, and the next boundary: browsers display a part only after the following
/// boundary, which must not wait for the next picture.
fn frame_part(jpeg: &[u8], captured_unix_ms: u64) -> Bytes {
    let head = format!(
        "Content-Type: image/jpeg\r\nContent-Length: {}\r\nX-Timestamp: {}.{:03}\r\n\r\n",
        jpeg.len(),
        captured_unix_ms / 1000,
        captured_unix_ms % 1000,
    );
    let tail = format!("\r\n--{BOUNDARY}\r\n");
    let mut part = BytesMut::with_capacity(head.len() + jpeg.len() + tail.len());
    part.extend_from_slice(head.as_bytes());
    part.extend_from_slice(jpeg);
    part.extend_from_slice(tail.as_bytes());
    part.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_comes_with_the_picture_before_it() {
        let part = frame_part(&[0xFF, 0xD8, 0xFF, 0xD9], 1_700_000_000_042);
        assert!(part.starts_with(b"Content-Type: image/jpeg\r\nContent-Length: 4\r\n"));
        let text = String::from_utf8_lossy(&part);
        assert!(
            text.contains("\r\nX-Timestamp: 1700000000.042\r\n\r\n"),
            "{text}"
        );
        assert!(part.ends_with(b"\xFF\xD9\r\n--carrier-frame\r\n"));
    }
}
