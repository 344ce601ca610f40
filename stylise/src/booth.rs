//! The photo booth: takes pictures in, has them stylised, and keeps them until their time is over.

mod admission;
mod handle;
mod open;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Threads;
use prometheus_client::registry::Registry;
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::BoothError;
use crate::job::JobId;
use crate::shared::Shared;
use crate::store::End;
use crate::style::{MadeBy, Style};
use crate::stylist::{Stylist, Trouble};
use crate::view::{GalleryId, JobView, Refusal, Removed, Shown, Submission, Submitted, Which};
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
        registry: &mut Registry,
    ) -> Result<Self, BoothError> {
        let shared = open::open(settings, stylists, registry)?;
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

    /// The job of a key, to be asked before an upload is read: a retry costs nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn by_key(&self, key: Uuid) -> Result<Option<JobView>, BoothError> {
        let inner = self.shared().lock();
        let row = inner.store.job_of_key(key)?;
        Ok(row.map(|row| inner.view(&row, Instant::now())))
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
        let row = inner.store.job(id)?;
        Ok(row.map(|row| inner.view(&row, Instant::now())))
    }

    /// Whether the result may be shown in the gallery: from now on, or as soon as there is one.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_share(&self, id: JobId, share: bool) -> Result<Option<JobView>, BoothError> {
        let mut inner = self.shared().lock();
        inner.store.set_share(id, share)?;
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
        let Some(row) = inner.store.job(id)? else {
            return Ok(None);
        };
        let mut freed = inner.end(id, row.made_by, End::Declined)?;
        let removed = if freed.is_some() {
            let row = inner.store.job(id)?.unwrap_or(row);
            Removed::Cancelled(inner.view(&row, Instant::now()))
        } else {
            freed = Some(inner.store.erase(id)?);
            inner.store.checkpoint()?;
            inner.leave(id, row.made_by);
            inner.followers.gone(id);
            Removed::Erased
        };
        drop(inner);
        shared.changed.notify_all();
        shared.pictures.erase(&freed.unwrap_or_default());
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
        let row = inner.store.job(id)?;
        drop(inner);
        let file = row.and_then(|row| match which {
            Which::Source => row.source,
            Which::Result | Which::Preview => row.result,
        });
        file.map_or(Ok(None), |file| shared.pictures.read(&file))
    }

    /// A number that changes when the job's view may have changed; it ends when the job is erased.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn follow(&self, id: JobId) -> Result<Option<watch::Receiver<u64>>, BoothError> {
        let mut inner = self.shared().lock();
        if inner.store.job(id)?.is_none() {
            return Ok(None);
        }
        Ok(Some(inner.followers.follow(id)))
    }

    /// What visitors agreed to show, newest first; with `all` also what the owner hid.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn gallery(&self, all: bool) -> Result<Vec<Shown>, BoothError> {
        self.shared().lock().store.gallery(all)
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
        self.shared().lock().store.hide(id, hidden)
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
