//! The cameras of this machine, asked for at most every few seconds. A driver that hangs delays the answer by a
//! bounded time: then the last known cameras are given.

use std::time::{Duration, Instant};

use capture::Device;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// A list of this age is good enough.
const FRESH_FOR: Duration = Duration::from_secs(2);
/// The longest wait for drivers.
const LISTING_MAX: Duration = Duration::from_millis(1500);

#[derive(Debug, Default)]
pub(crate) struct Cameras(Mutex<Listing>);

#[derive(Debug, Default)]
struct Listing {
    devices: Vec<Device>,
    listed_at: Option<Instant>,
    /// Drivers are being asked, by one thread at a time.
    running: Option<JoinHandle<Vec<Device>>>,
}

impl Cameras {
    pub(crate) async fn list(&self) -> Vec<Device> {
        self.list_by(|| {
            capture::devices().unwrap_or_else(|error| {
                tracing::debug!(%error, "the cameras cannot be listed");
                Vec::new()
            })
        })
        .await
    }

    async fn list_by(&self, ask: impl FnOnce() -> Vec<Device> + Send + 'static) -> Vec<Device> {
        let mut listing = self.0.lock().await;
        let is_fresh = |at: Instant| at.elapsed() < FRESH_FOR;
        if listing.listed_at.is_some_and(is_fresh) {
            return listing.devices.clone();
        }
        let mut running = match listing.running.take() {
            Some(running) => running,
            None => tokio::task::spawn_blocking(ask),
        };
        match timeout(LISTING_MAX, &mut running).await {
            Ok(devices) => listing.devices = devices.unwrap_or_default(),
            Err(_) => {
                tracing::warn!("the cameras cannot be listed: a driver does not answer");
                listing.running = Some(running);
            }
        }
        // Also after a time-out, so that others do not wait as long again.
        listing.listed_at = Some(Instant::now());
        listing.devices.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn camera() -> Device {
        Device {
            id: "usb-1".to_owned(),
            path: "/dev/video0".into(),
            index: 0,
            name: "Camera".to_owned(),
            modes: Vec::new(),
            other_formats: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_driver_that_hangs_is_asked_once() {
        let cameras = Cameras::default();
        let (answer, waiting) = channel();
        let hangs = move || waiting.recv().unwrap_or_default();
        assert!(cameras.list_by(hangs).await.is_empty());
        let unasked = || panic!("asked again");
        assert!(cameras.list_by(unasked).await.is_empty());
        answer.send(vec![camera()]).expect("it waits");
        cameras.0.lock().await.listed_at = None;
        assert_eq!(cameras.list_by(unasked).await, [camera()]);
    }
}
