//! The photo booth as the program sees it: open, off, or not to be opened; and how much of it may be asked
//! for at a time.

use std::path::PathBuf;
use std::sync::Arc;

use capture::Threads;
use prometheus_client::encoding::EncodeLabelValue;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde::Serialize;
use stylise::comfyui::Comfyui;
use stylise::{Booth, Builtin, Settings, Stylist, Trouble};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::BoothConfig;

/// Each holds up to 12 MB until its picture is decoded.
const UPLOADS_AT_ONCE: usize = 8;
/// Each is a core for some tenths of a second, and up to 40 megapixels of memory.
const DECODED_AT_ONCE: usize = 2;

/// Shared by every request.
pub(crate) struct PhotoBooth {
    state: State,
    comfyui: Option<Arc<Comfyui>>,
    uploads: Semaphore,
    decoders: Semaphore,
    refused: Family<[(&'static str, Cause); 1], Counter>,
}

enum State {
    Open(Booth),
    Closed(Closed),
}

/// Why there is no booth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Closed {
    /// The owner does not want one.
    Off,
    /// Its folder or its database is not to be used. Why stands in the log: it has paths in it.
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
    pub(crate) fn of(ready: Option<Result<(), Trouble>>) -> Self {
        let (comfyui, reason) = match ready {
            None => ("off", None),
            Some(Ok(())) => ("ready", None),
            Some(Err(trouble)) => ("away", Some(trouble.to_string())),
        };
        Self { comfyui, reason }
    }
}

impl PhotoBooth {
    /// A damaged folder must not keep the feed from running: the error is kept, and told.
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
        let stylists = [builtin, server].into_iter().flatten().collect();
        let refused = Family::default();
        let help = "Uploads to the photo booth that were not read";
        registry.register("carrier_booth_uploads_refused", help, refused.clone());
        let opened = folder.filter(|_| config.enabled).map(|folder| {
            let settings = Settings {
                keep: config.keep(),
                queue_max: config.queue_max,
                per_visitor_max: config.per_visitor_max,
                threads: threads.clone(),
                ..Settings::in_folder(folder)
            };
            Booth::open(settings, stylists, registry)
        });
        let state = match opened {
            None if config.enabled => {
                tracing::warn!(
                    "there is no home folder to keep pictures in: the photo booth stays closed; \
                     name a folder with --data to open it"
                );
                State::Closed(Closed::Broken)
            }
            None => State::Closed(Closed::Off),
            Some(Ok(booth)) => State::Open(booth),
            Some(Err(error)) => {
                tracing::error!(%error, "the photo booth stays closed; the feed runs without it");
                State::Closed(Closed::Broken)
            }
        };
        Self {
            state,
            comfyui,
            uploads: Semaphore::new(UPLOADS_AT_ONCE),
            decoders: Semaphore::new(DECODED_AT_ONCE),
            refused,
        }
    }

    /// The booth itself. Its methods read files: they are for threads that may wait.
    pub(crate) fn get(&self) -> Result<&Booth, Closed> {
        match &self.state {
            State::Open(booth) => Ok(booth),
            State::Closed(why) => Err(*why),
        }
    }

    /// A picture of the owner's that shows a style of ComfyUI's.
    pub(crate) fn example(&self, style: &str) -> Option<PathBuf> {
        self.comfyui.as_ref()?.example(style)
    }

    /// Whether ComfyUI overwrites the pictures of visitors when they are over; none without a server.
    pub(crate) fn comfyui_erases(&self) -> Option<bool> {
        Some(self.comfyui.as_ref()?.erases_pictures())
    }

    /// A place for an upload, or none.
    pub(crate) fn upload(&self) -> Option<SemaphorePermit<'_>> {
        // overflow: refused and counted: the client is told when to come again.
        let place = self.uploads.try_acquire().ok();
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

    pub(crate) fn count(&self, cause: Cause) {
        self.refused.get_or_create(&[("cause", cause)]).inc();
    }

    /// The threads end; what is under way goes on after the next start.
    pub(crate) fn close(&self) {
        if let State::Open(booth) = &self.state {
            booth.close();
        }
    }
}
