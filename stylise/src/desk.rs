//! What a stylist tells while it works, on its way to the store and to those who follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use capture::Heartbeat;

use crate::intake::{Intake, Limits};
use crate::job::JobId;
use crate::metrics::Discarded;
use crate::shared::Shared;
use crate::style::MadeBy;
use crate::stylist::{Desk, Progress, Ticket, Trouble};
use crate::worker::DISK_IS_BROKEN;

/// Between two looks of a server's order at whether it is still wanted.
const SERVER_TURN_MAX: Duration = Duration::from_secs(5 * 60);

/// The desk of one job's turn.
pub(crate) struct JobDesk<'a> {
    pub(crate) shared: &'a Shared,
    pub(crate) job: JobId,
    pub(crate) made_by: MadeBy,
    pub(crate) cancelled: Arc<AtomicBool>,
    pub(crate) heartbeat: &'a Heartbeat,
}

impl Desk for JobDesk<'_> {
    fn report(&self, progress: Progress) {
        let mut inner = self.shared.lock();
        let Some(live) = inner.live.get_mut(&self.job) else {
            return;
        };
        let is_news_to_all = live.report(progress, Instant::now());
        // An upload may still fail because the server is away.
        if progress != Progress::Uploading
            && let Some(bench) = inner.bench(self.made_by)
        {
            bench.away = None;
        }
        if is_news_to_all {
            inner.moved();
        } else {
            inner.followers.tell(self.job);
        }
    }

    fn preview(&self, picture: Vec<u8>) {
        // Somebody else's bytes: only what our own encoder made of them is shown.
        match Intake::read(&picture, &Limits::RESULT) {
            Ok(picture) => {
                let mut inner = self.shared.lock();
                if let Some(live) = inner.live.get_mut(&self.job) {
                    live.set_preview(picture.jpeg().to_vec());
                    inner.followers.tell(self.job);
                }
            }
            // overflow: counted
            Err(error) => {
                self.shared.metrics.discarded(Discarded::BadPreview);
                tracing::debug!(job = ?self.job, %error, "a preview that cannot be read");
            }
        }
    }

    fn keep_ticket(&self, ticket: &Ticket) -> Result<(), Trouble> {
        let mut inner = self.shared.lock();
        match inner.store.keep_ticket(self.job, ticket) {
            Ok(true) => {
                if let Some(live) = inner.live.get_mut(&self.job) {
                    live.ticket = Some(ticket.id);
                }
                Ok(())
            }
            Ok(false) => Err(Trouble::Cancelled),
            Err(error) => {
                tracing::error!(%error, job = ?self.job, "a ticket cannot be kept");
                Err(Trouble::Away(DISK_IS_BROKEN.to_owned()))
            }
        }
    }

    fn is_cancelled(&self) -> bool {
        // The laptop's own work is on another thread: that somebody waits for it is no sign of life.
        if self.made_by == MadeBy::Comfyui {
            self.heartbeat.beat(SERVER_TURN_MAX);
        }
        self.cancelled.load(Ordering::Acquire)
    }

    fn is_stopping(&self) -> bool {
        self.shared.is_stopping()
    }
}
