//! The photo booth as HTTP handlers use it: whether it is open, and limits on concurrent uploads,
//! decodings, queries and followers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::registry::Registry;
use schemars::JsonSchema;
use serde::Serialize;
use signaling::fair_share::address_group;
use stylise::comfyui::Comfyui;
use stylise::{Booth, BoothMetrics, BoothSettings, Builtin, Stylist, StylistError};
use stylise::{Growth, may_take};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::booth::handovers::Handovers;
use crate::booth::opening::{BoothOpener, OpeningPlan};
use crate::metrics::{CounterBy, UploadRefusal};

pub(crate) mod handovers;
mod opening;

pub(crate) use self::opening::BoothClosedError;

/// Decoding takes a core for some tenths of a second, and memory for up to 40 megapixels.
const DECODERS_MAX: usize = 2;
/// Each query blocks a thread, perhaps for a slow disk. The booth answers one at a time.
const QUERIES_MAX: usize = 2;
/// Each follower keeps a connection open until its job is over.
const FOLLOWERS_MAX: usize = 2000;

pub(crate) struct PhotoBooth {
    /// `None`: the booth is disabled, or there is no folder for it.
    opening: Option<Arc<BoothOpener>>,
    without: BoothClosedError,
    comfyui: Option<Arc<Comfyui>>,
    /// `None`: the styles of this machine are disabled.
    builtin: Option<Arc<Builtin>>,
    previews: Arc<Semaphore>,
    uploads: UploadPlaces,
    decoders: Semaphore,
    queries: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    handovers: Mutex<Handovers>,
    refused: CounterBy<UploadRefusal>,
}

/// The state of ComfyUI in the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct ComfyuiReport {
    pub(crate) comfyui: &'static str,
    /// Shown to visitors.
    pub(crate) reason: Option<String>,
}

impl ComfyuiReport {
    pub(crate) fn of(ready: Option<Result<(), StylistError>>) -> Self {
        let (comfyui, reason) = match ready {
            None => ("off", None),
            Some(Ok(())) => ("ready", None),
            Some(Err(trouble)) => ("away", Some(trouble.to_string())),
        };
        Self { comfyui, reason }
    }
}

impl PhotoBooth {
    /// Does not fail if the folder cannot be used: opening is retried until it can. Without `settings` there is no
    /// folder.
    pub(crate) fn open(
        is_enabled: bool,
        settings: Option<BoothSettings>,
        builtin: Option<Builtin>,
        comfyui: Option<Arc<Comfyui>>,
        refused: CounterBy<UploadRefusal>,
        registry: &mut Registry,
    ) -> Self {
        // A new kind of stylist is one more line here.
        let builtin = builtin.map(Arc::new);
        let here = builtin.clone().map(|builtin| builtin as Arc<dyn Stylist>);
        let server = comfyui.clone().map(|comfyui| comfyui as Arc<dyn Stylist>);
        let stylists: Vec<_> = [here, server].into_iter().flatten().collect();
        if is_enabled && settings.is_none() {
            tracing::warn!(
                "there is no home folder to keep pictures in: the photo booth stays closed; \
                 name a folder with --data to open it"
            );
        }
        let opening = settings.filter(|_| is_enabled).map(|settings| {
            let kinds: Vec<_> = stylists.iter().map(|stylist| stylist.made_by()).collect();
            BoothOpener::start(OpeningPlan {
                settings,
                stylists,
                metrics: BoothMetrics::register(registry, &kinds),
            })
        });
        let without = if is_enabled {
            BoothClosedError::Broken
        } else {
            BoothClosedError::Off
        };
        Self {
            opening,
            without,
            comfyui,
            builtin,
            previews: Arc::new(Semaphore::new(1)),
            uploads: UploadPlaces::default(),
            decoders: Semaphore::new(DECODERS_MAX),
            queries: Arc::new(Semaphore::new(QUERIES_MAX)),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            handovers: Mutex::default(),
            refused,
        }
    }

    /// The booth itself. Its methods block on files: call them on threads that may block.
    pub(crate) fn get(&self) -> Result<&Booth, BoothClosedError> {
        self.opening.as_ref().ok_or(self.without)?.booth()
    }

    /// The owner's example picture of a style of ComfyUI's.
    pub(crate) fn example(&self, style: &str) -> Option<PathBuf> {
        self.comfyui.as_ref()?.example(style)
    }

    /// Whether ComfyUI overwrites visitors' pictures after their jobs; `None` without a server.
    pub(crate) fn comfyui_erases(&self) -> Option<bool> {
        Some(self.comfyui.as_ref()?.erases_pictures())
    }

    pub(crate) fn handovers(&self) -> MutexGuard<'_, Handovers> {
        self.handovers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Admits an upload from that address; `None`: refused.
    pub(crate) fn upload(&self, from: IpAddr) -> Option<UploadPlace> {
        let place = self.uploads.take(from);
        if place.is_none() {
            self.count(UploadRefusal::Busy);
        }
        place
    }

    /// The stylist of this machine.
    pub(crate) fn builtin(&self) -> Option<&Arc<Builtin>> {
        self.builtin.as_ref()
    }

    /// Waits for the turn to make previews, which take both cores for a second; to be held until they are
    /// made.
    pub(crate) async fn preview_turn(&self) -> Option<OwnedSemaphorePermit> {
        // overflow: awaited: uploads are limited already.
        Arc::clone(&self.previews).acquire_owned().await.ok()
    }

    /// Waits for a permit to decode a picture.
    pub(crate) async fn decoder(&self) -> Option<SemaphorePermit<'_>> {
        // overflow: awaited: uploads are limited already.
        self.decoders.acquire().await.ok()
    }

    /// Waits for a permit to query the booth, to be held until the answer is there.
    pub(crate) async fn query(&self) -> Option<OwnedSemaphorePermit> {
        // overflow: awaited: only the task waits, no thread.
        Arc::clone(&self.queries).acquire_owned().await.ok()
    }

    /// Admits a follower of a job; `None`: refused.
    pub(crate) fn follower(&self) -> Option<OwnedSemaphorePermit> {
        // overflow: refused: the page polls the job instead.
        Arc::clone(&self.followers).try_acquire_owned().ok()
    }

    pub(crate) fn count(&self, cause: UploadRefusal) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }

    /// Ends the threads. Unfinished jobs continue after the next start.
    pub(crate) fn close(&self) {
        if let Some(opening) = &self.opening {
            opening.close();
        }
    }
}

/// Each upload holds up to 12 MB until its picture is decoded.
const UPLOADS_MAX: usize = 8;
/// At this growth one address has at most six of them.
const ADDRESS_GROWTH: Growth = Growth(2);

/// Uploads in progress, by address.
#[derive(Debug, Default)]
pub(crate) struct UploadPlaces(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// The place of one upload, freed on drop.
#[derive(Debug)]
pub(crate) struct UploadPlace {
    address: IpAddr,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl UploadPlaces {
    /// Admits an upload from `peer`, by [`may_take`]: an upload in progress cannot be evicted.
    // overflow: refused and counted; the client is told when to retry.
    pub(crate) fn take(&self, peer: IpAddr) -> Option<UploadPlace> {
        let address = address_group(peer);
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all = taken.values().sum();
        let held = taken.get(&address).copied().unwrap_or(0);
        if !may_take(held, all, UPLOADS_MAX, ADDRESS_GROWTH) {
            return None;
        }
        taken.insert(address, held + 1);
        Some(UploadPlace {
            address,
            taken: Arc::clone(&self.0),
        })
    }
}

impl Drop for UploadPlace {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = taken.get_mut(&self.address) {
            *held -= 1;
            if *held == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others_and_places_are_free_again() {
        let places = UploadPlaces::default();
        let take = |text: &str| places.take(text.parse().expect("an address"));
        let hall: Vec<_> = std::iter::from_fn(|| take("192.0.2.1")).collect();
        assert_eq!(hall.len(), 6);
        let home = take("2001:db8::1").expect("room for another address");
        let street = take("192.0.2.9").expect("and for yet another one");
        assert!(take("192.0.2.10").is_none() && take("192.0.2.1").is_none());
        drop((home, street));
        assert!(take("2001:db8::2").is_some());
        drop(hall);
        assert!(places.0.lock().expect("sound").is_empty());
    }
}
