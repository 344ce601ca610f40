//! The photo booth as the program sees it: open, off, or not to be opened; and how much of it may be asked
//! for at a time.

mod opening;
mod upload_places;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use capture::Threads;
use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde::Serialize;
use stylise::comfyui::Comfyui;
use stylise::{Booth, BoothMetrics, BoothSettings, Builtin, Stylist, StylistError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use self::opening::{Opening, Plan};
use self::upload_places::{UploadPlace, UploadPlaces};
use crate::config::BoothConfig;

/// Each is a core for some tenths of a second, and up to 40 megapixels of memory.
const DECODED_AT_ONCE: usize = 2;
/// Each may wait for a disk, on a thread of its own, and threads cost memory. The booth answers one at a time.
const QUESTIONS_AT_ONCE: usize = 2;
/// Each is a connection that stays open as long as its job.
const FOLLOWERS_MAX: usize = 2000;

/// Shared by every request.
pub(crate) struct PhotoBooth {
    /// None: the owner wants no booth, or there is no folder for one.
    opening: Option<Arc<Opening>>,
    without: Closed,
    comfyui: Option<Arc<Comfyui>>,
    uploads: UploadPlaces,
    decoders: Semaphore,
    questions: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    refused: Family<[(&'static str, Cause); 1], Counter>,
}

/// Why there is no booth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The owner does not want one.
    Off,
    /// It is being opened for the first time.
    Opening,
    /// Its folder or its database is not to be used now. Why stands in the log: it has paths in it. It is tried
    /// again.
    Broken,
}

/// Why an upload was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Cause {
    Busy,
    Large,
    Slow,
}

/// How ComfyUI is doing, in the words of the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ComfyuiReport {
    pub(crate) comfyui: &'static str,
    /// For visitors.
    pub(crate) reason: Option<String>,
}

impl ComfyuiReport {
    /// As [`Booth::ready`] has it.
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
    /// A folder that cannot be used keeps nothing else from running: it is tried again until it can.
    pub(crate) fn open(
        config: &BoothConfig,
        folder: Option<PathBuf>,
        builtin: Option<Builtin>,
        comfyui: Option<Arc<Comfyui>>,
        threads: &Threads,
        registry: &mut Registry,
    ) -> Self {
        // All stylists there are.
        let builtin = builtin.map(|builtin| Arc::new(builtin) as Arc<dyn Stylist>);
        let server = comfyui.clone().map(|comfyui| comfyui as Arc<dyn Stylist>);
        let stylists: Vec<_> = [builtin, server].into_iter().flatten().collect();
        let refused = Family::default();
        let help = "Uploads to the photo booth that were not read";
        registry.register("carrier_booth_uploads_refused", help, refused.clone());
        if config.enabled && folder.is_none() {
            tracing::warn!(
                "there is no home folder to keep pictures in: the photo booth stays closed; \
                 name a folder with --data to open it"
            );
        }
        let opening = folder.filter(|_| config.enabled).map(|folder| {
            let settings = BoothSettings {
                keep: config.keep(),
                queue_max: config.queue_max,
                per_visitor_max: config.per_visitor_max,
                threads: threads.clone(),
                ..BoothSettings::in_folder(folder)
            };
            let kinds: Vec<_> = stylists.iter().map(|stylist| stylist.made_by()).collect();
            Opening::start(Plan {
                settings,
                stylists,
                metrics: BoothMetrics::register(registry, &kinds),
            })
        });
        let without = if config.enabled {
            Closed::Broken
        } else {
            Closed::Off
        };
        Self {
            opening,
            without,
            comfyui,
            uploads: UploadPlaces::default(),
            decoders: Semaphore::new(DECODED_AT_ONCE),
            questions: Arc::new(Semaphore::new(QUESTIONS_AT_ONCE)),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            refused,
        }
    }

    /// The booth itself. Its methods read files: they are for threads that may wait.
    pub(crate) fn get(&self) -> Result<&Booth, Closed> {
        self.opening.as_ref().ok_or(self.without)?.booth()
    }

    /// A picture of the owner's that shows a style of ComfyUI's.
    pub(crate) fn example(&self, style: &str) -> Option<PathBuf> {
        self.comfyui.as_ref()?.example(style)
    }

    /// Whether ComfyUI overwrites the pictures of visitors when they are over; none without a server.
    pub(crate) fn comfyui_erases(&self) -> Option<bool> {
        Some(self.comfyui.as_ref()?.erases_pictures())
    }

    /// A place for an upload from that address, or none.
    pub(crate) fn upload(&self, from: IpAddr) -> Option<UploadPlace> {
        let place = self.uploads.take(from);
        if place.is_none() {
            self.count(Cause::Busy);
        }
        place
    }

    /// A turn to decode a picture.
    pub(crate) async fn decoder(&self) -> Option<SemaphorePermit<'_>> {
        // overflow: awaited: there are no more than uploads.
        self.decoders.acquire().await.ok()
    }

    /// A turn to ask the booth something, held until the answer is there.
    pub(crate) async fn question(&self) -> Option<OwnedSemaphorePermit> {
        // overflow: awaited: no thread waits meanwhile.
        Arc::clone(&self.questions).acquire_owned().await.ok()
    }

    /// A place among those who follow a job, or none.
    pub(crate) fn follower(&self) -> Option<OwnedSemaphorePermit> {
        // overflow: refused: the page asks for the job itself then, now and then.
        Arc::clone(&self.followers).try_acquire_owned().ok()
    }

    pub(crate) fn count(&self, cause: Cause) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }

    /// The threads end; what is under way goes on after the next start.
    pub(crate) fn close(&self) {
        if let Some(opening) = &self.opening {
            opening.close();
        }
    }
}
