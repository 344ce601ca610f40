//! The photo booth: takes pictures in, has them stylised, and keeps them until their time is over.

mod admission;
mod handle;
mod open;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Threads;
use tokio::sync::watch;
use uuid::Uuid;

use crate::clock;
use crate::erasing;
use crate::error::BoothError;
use crate::inner::ReadClocks;
use crate::job::JobId;
use crate::metrics::BoothMetrics;
use crate::shared::Shared;
use crate::style::{MadeBy, Style};
use crate::stylist::{Stylist, Trouble};
use crate::view::{
    GalleryId, JobView, Refusal, Removed, RequestKey, Shown, Submission, Submitted, Which,
};
use handle::Handle;

/// What the owner decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// For the database and the pictures. Made if it is not there; nobody else may read it then.
    pub folder: PathBuf,
    /// After so long everything of a job is erased.
    pub keep: Duration,
    /// So many jobs may wait for one kind of stylist.
    pub queue_max: usize,
    /// So many unfinished jobs one visitor may have.
    pub per_visitor_max: usize,
    /// After so long a job no longer waits for a stylist that is away.
    pub away_max: Duration,
    /// Between two looks at what is to be erased.
    pub tick: Duration,
    /// Where the booth's threads are registered.
    pub threads: Threads,
}

impl Settings {
    /// The usual ones, in `folder`.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self {
            folder,
            keep: Duration::from_secs(24 * 60 * 60),
            queue_max: 50,
            per_visitor_max: 3,
            away_max: Duration::from_secs(30 * 60),
            tick: Duration::from_secs(30),
            threads: Threads::default(),
        }
    }
}

/// The service. A clone is another handle of the same booth; it closes with the last one.
///
/// Calls wait for the disk, at most for a few milliseconds on most: an async caller makes them on a thread that
/// may wait.
#[derive(Clone)]
pub struct Booth {
    handle: Arc<Handle>,
}

impl Booth {
    /// Opens the booth in its folder, puts in order what the last program left there, and starts a thread for
    /// each stylist. Of two stylists of one kind the second is left out.
    ///
    /// # Errors
    /// See [`BoothError`].
    pub fn open(
        settings: Settings,
        stylists: Vec<Arc<dyn Stylist>>,
        metrics: BoothMetrics,
    ) -> Result<Self, BoothError> {
        Self::open_with(settings, stylists, metrics, Box::new(clock::read))
    }

    fn open_with(
        settings: Settings,
        stylists: Vec<Arc<dyn Stylist>>,
        metrics: BoothMetrics,
        read_clocks: ReadClocks,
    ) -> Result<Self, BoothError> {
        let shared = open::open(settings, stylists, metrics, read_clocks)?;
        let handle = Handle::start(Arc::new(shared))?;
        Ok(Self {
            handle: Arc::new(handle),
        })
    }

    fn shared(&self) -> &Shared {
        self.handle.shared()
    }

    /// What is offered now. ComfyUI's come first; of two with one id the laptop's is left out.
    #[must_use]
    pub fn styles(&self) -> Vec<Style> {
        admission::styles(self.shared())
    }

    /// Whether a kind of stylist would take a job now; none when there is no such kind. May ask its server.
    #[must_use]
    pub fn ready(&self, made_by: MadeBy) -> Option<Result<(), Trouble>> {
        let stylist = self.shared().stylist(made_by)?;
        Some(stylist.ready())
    }

    /// How many jobs wait, of all kinds.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let inner = self.shared().lock();
        inner.benches.iter().map(|bench| bench.queue.len()).sum()
    }

    /// Takes a picture in. It is on disk when this returns.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn submit(&self, submission: Submission) -> Result<Submitted, Refusal> {
        admission::submit(self.shared(), &submission)
    }

    /// Whether a visitor gave that key before, to be asked before an upload is read: a retry takes no new place.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn has_key(&self, visitor: &str, key: Uuid) -> Result<bool, BoothError> {
        let row = self.shared().lock().store.job_of_key(visitor, key)?;
        Ok(row.is_some())
    }

    /// The job that a visitor's key has, to be asked before a picture is decoded.
    ///
    /// # Errors
    /// [`Refusal::KeyReused`], or the database cannot be read.
    pub fn by_key(&self, visitor: &str, key: &RequestKey) -> Result<Option<JobView>, Refusal> {
        let shared = self.shared();
        admission::of_key(shared, &shared.lock(), visitor, key)
    }

    /// Whether a visitor may have another job now, to be asked before an upload is read.
    ///
    /// # Errors
    /// [`Refusal::TooMany`], or the database cannot be read.
    pub fn admits(&self, visitor: &str) -> Result<(), Refusal> {
        let shared = self.shared();
        admission::admit_visitor(shared, &shared.lock(), visitor)
    }

    /// A job as it stands.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn view(&self, id: JobId) -> Result<Option<JobView>, BoothError> {
        let inner = self.shared().lock();
        let row = inner.job(id)?;
        Ok(row.map(|row| inner.view(&row, Instant::now())))
    }

    /// Whether the result may be shown in the gallery: from now on, or as soon as there is one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_share(&self, id: JobId, share: bool) -> Result<Option<JobView>, BoothError> {
        let shared = self.shared();
        let mut inner = shared.lock();
        if let Err(error) = inner.store.set_share(id, share) {
            // To take a picture off the wall needs no room.
            if share || !shared.reserve.release() {
                return Err(error);
            }
            inner.store.set_share(id, share)?;
        }
        inner.followers.tell(id);
        drop(inner);
        self.view(id)
    }

    /// Cancels an unfinished job, which stays visible as cancelled without its pictures; erases one that is over.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn remove(&self, id: JobId) -> Result<Option<Removed>, BoothError> {
        let shared = self.shared();
        let mut inner = shared.lock();
        let Some(row) = inner.job(id)? else {
            return Ok(None);
        };
        let removed = erasing::remove(shared, &mut inner, &row)?;
        drop(inner);
        shared.changed.notify_all();
        Ok(Some(removed))
    }

    /// One of a job's pictures: JPEG.
    ///
    /// # Errors
    /// When the database or the file cannot be read.
    pub fn picture(&self, id: JobId, which: Which) -> Result<Option<Vec<u8>>, BoothError> {
        let shared = self.shared();
        let inner = shared.lock();
        if which == Which::Preview {
            let preview = inner.live.get(&id).and_then(|live| live.preview());
            return Ok(preview.map(<[u8]>::to_vec));
        }
        let row = inner.job(id)?;
        drop(inner);
        let file = row.and_then(|row| match which {
            Which::Source => row.source,
            Which::Result | Which::Preview => row.result,
        });
        file.map_or(Ok(None), |file| shared.pictures.read(&file))
    }

    /// A job's view, and each that comes after it; it ends when the job is erased. However many follow a job,
    /// it is looked at once for each change.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn follow(&self, id: JobId) -> Result<Option<watch::Receiver<Arc<JobView>>>, BoothError> {
        let mut inner = self.shared().lock();
        let Some(row) = inner.job(id)? else {
            return Ok(None);
        };
        let view = inner.view(&row, Instant::now());
        Ok(Some(inner.followers.follow(view)))
    }

    /// What visitors agreed to show, newest first; with `all` also what the owner hid.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gallery(&self, all: bool) -> Result<Vec<Shown>, BoothError> {
        let inner = self.shared().lock();
        let mut shown = inner.store.gallery(all)?;
        shown.retain(|(job, _)| !inner.erased.contains(job));
        let in_wall_time = shown.into_iter().map(|(_, shown)| Shown {
            made_at_unix_ms: inner.time.unix_ms(shown.made_at_unix_ms),
            ..shown
        });
        Ok(in_wall_time.collect())
    }

    /// A picture of the gallery: JPEG.
    ///
    /// # Errors
    /// When the database or the file cannot be read.
    pub fn gallery_picture(&self, id: GalleryId, all: bool) -> Result<Option<Vec<u8>>, BoothError> {
        let shown = self.shared().lock().store.shown(id, all)?;
        shown.map_or(Ok(None), |(_, file)| self.shared().pictures.read(&file))
    }

    /// Takes a picture off the wall, or puts it back. Whether there is such a picture.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn hide(&self, id: GalleryId, hidden: bool) -> Result<bool, BoothError> {
        let shared = self.shared();
        let mut inner = shared.lock();
        match inner.store.hide(id, hidden) {
            // As for erasing.
            Err(_) if hidden && shared.reserve.release() => inner.store.hide(id, hidden),
            done => done,
        }
    }

    /// Erases the job of a picture in the gallery. Whether there was such a picture.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn erase_shown(&self, id: GalleryId) -> Result<bool, BoothError> {
        let shown = self.shared().lock().store.shown(id, true)?;
        match shown {
            Some((job, _)) => Ok(self.remove(job)?.is_some()),
            None => Ok(false),
        }
    }

    /// Ends the threads. Orders that a server has keep their tickets, and go on when the booth is opened again.
    pub fn close(&self) {
        self.handle.close();
    }
}
