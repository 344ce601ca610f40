//! The photo booth: the public service. The submodules build on each other from top to bottom: `shared` and
//! `state` hold what threads share, `admission`, `erasing` and `worker` act on it, `open` and `threads`
//! start and stop it. `backup` works on the files of a booth that nobody need have opened.

mod admission;
pub mod backup;
mod counting;
mod erasing;
mod gallery_reader;
mod job_traces;
mod keeping;
mod open;
mod shared;
mod state;
#[cfg(test)]
mod tests;
mod threads;
mod worker;

use std::sync::Arc;
use std::time::Instant;

use capture::trace::{self, TraceSpan};
use tokio::sync::watch;
use uuid::Uuid;

use crate::api::{
    BoothError, GalleryPicture, JobView, PictureKind, Removed, RequestKey, Submission, SubmitError,
    Submitted,
};
pub use crate::booth::admission::{Growth, may_take};
pub use crate::booth::open::lock;
pub use crate::booth::shared::BoothSettings;

use crate::booth::gallery_reader::GalleryReader;
use crate::booth::shared::Shared;
use crate::booth::state::ReadClocks;
use crate::booth::threads::Handle;
use crate::intake::CheckedPicture;
use crate::job::{GalleryId, JobId};
use crate::jobs::store::tables::GalleryFilter;
use crate::keepsake;
use crate::metrics::BoothMetrics;
use crate::stylist::{MadeBy, Style, Stylist, StylistError};

/// The photo booth. Cheap to clone; its threads end when the last clone is dropped.
///
/// Calls may block on the disk for a few milliseconds, so an async caller makes them on a blocking thread.
#[derive(Clone)]
pub struct Booth {
    handle: Arc<Handle>,
}

impl Booth {
    /// Opens the booth in its folder, recovers the jobs that the last program left unfinished, and starts a
    /// thread per stylist. A second stylist of the same kind is ignored.
    pub fn open(
        settings: BoothSettings,
        stylists: Vec<Arc<dyn Stylist>>,
        metrics: BoothMetrics,
    ) -> Result<Self, BoothError> {
        Self::open_with(settings, stylists, metrics, Box::new(open::read_clocks))
    }

    fn open_with(
        settings: BoothSettings,
        stylists: Vec<Arc<dyn Stylist>>,
        metrics: BoothMetrics,
        read_clocks: ReadClocks,
    ) -> Result<Self, BoothError> {
        let shared = Arc::new(open::open(settings, stylists, metrics, read_clocks)?);
        for stylist in &shared.stylists {
            stylist.use_gallery(Arc::new(GalleryReader::of(&shared)));
        }
        let handle = Handle::start(shared)?;
        Ok(Self {
            handle: Arc::new(handle),
        })
    }

    fn shared(&self) -> &Shared {
        self.handle.shared()
    }

    fn count_refusal<T>(&self, result: Result<T, SubmitError>) -> Result<T, SubmitError> {
        result.inspect_err(|error| {
            if let Some(reason) = error.reason() {
                self.shared().metrics.refused(reason).inc();
            }
        })
    }

    /// The styles on offer, each id once: available styles win over unavailable ones, then ComfyUI's over
    /// the laptop's.
    pub fn styles(&self) -> Vec<Style> {
        admission::styles(self.shared())
    }

    /// Whether a kind of stylist would accept a job now; `None` when there is no such stylist. May ask its
    /// server.
    pub fn ready(&self, made_by: MadeBy) -> Option<Result<(), StylistError>> {
        let stylist = self.shared().stylist(made_by)?;
        Some(stylist.ready())
    }

    /// The number of queued jobs of all stylists.
    pub fn waiting(&self) -> usize {
        let state = self.shared().lock();
        state.stylists.iter().map(|own| own.queue.len()).sum()
    }

    /// Submits a picture. The job is on disk when this returns.
    pub fn submit(&self, submission: Submission) -> Result<Submitted, SubmitError> {
        self.count_refusal(admission::submit(self.shared(), &submission))
    }

    /// Stores a finished picture that this program has made, as a job that is done: it expires and is erased as every
    /// other one. `style`: what the picture is, for names of files.
    pub fn keep(&self, picture: &CheckedPicture, style: &str) -> Result<JobView, BoothError> {
        keeping::keep(self.shared(), picture, style)
    }

    /// Whether a visitor already used an idempotency key. Callers ask before they read an upload, so that a
    /// retry takes no upload slot.
    pub fn has_key(&self, visitor: &str, key: Uuid) -> Result<bool, BoothError> {
        let row = self.shared().lock().store.job_of_key(visitor, key)?;
        Ok(row.is_some())
    }

    /// The job of a visitor's idempotency key. Callers ask before they decode a picture.
    pub fn by_key(&self, visitor: &str, key: &RequestKey) -> Result<Option<JobView>, SubmitError> {
        let job = admission::job_of_key(&self.shared().lock(), visitor, key);
        self.count_refusal(job)
    }

    /// Whether a visitor may have another job. Callers ask before they read an upload.
    pub fn check_visitor_limit(&self, visitor: &str) -> Result<(), SubmitError> {
        let shared = self.shared();
        self.count_refusal(admission::check_visitor_limit(
            shared,
            &shared.lock(),
            visitor,
        ))
    }

    /// The current view of a job.
    pub fn view(&self, id: JobId) -> Result<Option<JobView>, BoothError> {
        let state = self.shared().lock();
        let row = state.job(id)?;
        Ok(row.map(|row| state.view(&row, Instant::now())))
    }

    /// Sets whether the result may be shown in the gallery. Applies at once, or when there is a result.
    pub fn set_share(&self, id: JobId, share: bool) -> Result<Option<JobView>, BoothError> {
        let shared = self.shared();
        let mut state = shared.lock();
        if let Err(error) = state.store.set_share(id, share) {
            // Hiding a picture must succeed on a full disk: release the reserved space.
            if share || !shared.reserve.release() {
                return Err(error);
            }
            state.store.set_share(id, share)?;
        }
        state.followers.mark_changed(id);
        drop(state);
        self.view(id)
    }

    /// Sets whether a shared result may be shown on other carriers, too.
    pub fn set_on_carriers(&self, id: JobId, yes: bool) -> Result<Option<JobView>, BoothError> {
        let shared = self.shared();
        let mut state = shared.lock();
        if let Err(error) = state.store.set_on_carriers(id, yes) {
            // As in `set_share`.
            if yes || !shared.reserve.release() {
                return Err(error);
            }
            state.store.set_on_carriers(id, yes)?;
        }
        state.followers.mark_changed(id);
        drop(state);
        self.view(id)
    }

    /// Cancels an unfinished job, which stays visible as cancelled without its pictures. Erases a finished
    /// job.
    pub fn remove(&self, id: JobId) -> Result<Option<Removed>, BoothError> {
        let shared = self.shared();
        let mut state = shared.lock();
        let Some(row) = state.job(id)? else {
            return Ok(None);
        };
        let removed = erasing::remove(shared, &mut state, &row)?;
        drop(state);
        shared.changed.notify_all();
        Ok(Some(removed))
    }

    /// One of a job's pictures, as JPEG.
    pub fn picture(&self, id: JobId, which: PictureKind) -> Result<Option<Vec<u8>>, BoothError> {
        let (shared, began) = (self.shared(), Instant::now());
        let mut state = shared.lock();
        if which == PictureKind::Preview {
            let running = state.running.get(&id);
            return Ok(running.and_then(|running| running.preview.clone()));
        }
        let row = state.job(id)?;
        let traced = (which == PictureKind::Result)
            .then(|| state.traces.take_fetched(id))
            .flatten();
        drop(state);
        let file = row.and_then(|row| match which {
            PictureKind::Source => row.source,
            PictureKind::Result | PictureKind::Preview => row.result,
        });
        let picture = file.map_or(Ok(None), |file| shared.pictures.read(&file));
        if let Some(job) = traced {
            let times = (began, Instant::now());
            trace::record(TraceSpan::part_of(job, "carrier.booth.fetch", times));
        }
        picture
    }

    /// Subscribes to a job: the current view, then each newer one. The channel closes when the job is
    /// erased. The view is computed once per change, regardless of the number of followers.
    pub fn follow(&self, id: JobId) -> Result<Option<watch::Receiver<Arc<JobView>>>, BoothError> {
        let mut state = self.shared().lock();
        let Some(row) = state.job(id)? else {
            return Ok(None);
        };
        let view = state.view(&row, Instant::now());
        Ok(Some(state.followers.follow(view)))
    }

    /// The shared pictures, newest first; with `all`, including those that the owner hid or has not approved.
    pub fn gallery(&self, all: bool) -> Result<Vec<GalleryPicture>, BoothError> {
        let state = self.shared().lock();
        let mut shown = state.store.gallery(state.gallery_filter(all))?;
        shown.retain(|(job, _)| !state.erased_in_memory.contains(job));
        let in_wall_time = shown.into_iter().map(|(_, shown)| GalleryPicture {
            made_at_unix_ms: state.time.unix_ms(shown.made_at_unix_ms),
            expires_at_unix_ms: state.time.unix_ms(shown.expires_at_unix_ms),
            waits: shown.waits && state.sharing.approves_first(),
            ..shown
        });
        Ok(in_wall_time.collect())
    }

    /// A picture of the gallery, as JPEG.
    pub fn gallery_picture(&self, id: GalleryId, all: bool) -> Result<Option<Vec<u8>>, BoothError> {
        let state = self.shared().lock();
        let shown = state.store.shown(id, state.gallery_filter(all))?;
        drop(state);
        let Some((_, file, kind)) = shown else {
            return Ok(None);
        };
        let stored = self.shared().pictures.read(&file)?;
        Ok(stored.map(|stored| keepsake::still(stored, kind)))
    }

    /// Hides a picture of the gallery, or shows it, which approves it. Returns whether the picture exists.
    pub fn hide(&self, id: GalleryId, hidden: bool) -> Result<bool, BoothError> {
        let shared = self.shared();
        let mut state = shared.lock();
        match state.store.hide(id, hidden) {
            // Hiding must succeed on a full disk, see `set_share`.
            Err(_) if hidden && shared.reserve.release() => state.store.hide(id, hidden),
            done => done,
        }
    }

    /// Erases the job of a gallery picture. Returns whether the picture exists.
    pub fn erase_shown(&self, id: GalleryId) -> Result<bool, BoothError> {
        let shown = self.shared().lock().store.shown(id, GalleryFilter::ALL)?;
        match shown {
            Some((job, ..)) => Ok(self.remove(job)?.is_some()),
            None => Ok(false),
        }
    }

    /// Stops the threads. Orders that run on a server keep running, and are resumed when the booth is opened
    /// again.
    pub fn close(&self) {
        self.handle.close();
    }
}
