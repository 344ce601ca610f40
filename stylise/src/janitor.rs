//! The thread that erases what is over: jobs whose time has come, and what servers still know of jobs.

use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX};

use crate::erasing;
use crate::error::BoothError;
use crate::expiry::{Due, due};
use crate::inner::Inner;
use crate::shared::{Shared, guarded};
use crate::stylist::{Stylist, Ticket};

/// What erasing may take, on a slow disk and with a server that answers late.
const ERASING_MAX: Duration = Duration::from_secs(10 * 60);
/// How far the time that a power cut takes back may be off, where the clock of the machine is not right.
const KEEP_TIME_EVERY: Duration = Duration::from_secs(60 * 60);

/// Ends when the booth closes.
pub(crate) fn run(shared: &Shared, heartbeat: &Heartbeat) {
    let mut kept_at = Instant::now();
    loop {
        heartbeat.beat(ERASING_MAX);
        look_after(shared, &mut kept_at);
        if let Err(error) = erase_expired(shared) {
            tracing::error!(%error, "what is expired cannot be erased; it is tried again");
        }
        // At least one tick between two looks at a server that is away.
        let mut everywhere = true;
        for stylist in &shared.stylists {
            everywhere &= forget(shared, stylist.as_ref());
        }
        heartbeat.beat(shared.settings.tick + TURN_MAX);
        let tick_at = Instant::now() + shared.settings.tick;
        let mut inner = shared.lock();
        loop {
            let now = Instant::now();
            if shared.is_stopping() {
                inner.now_ms();
                inner.keep_time();
                return;
            }
            let has_work = everywhere && std::mem::take(&mut inner.has_new_tickets);
            if has_work || now >= tick_at {
                break;
            }
            inner = shared.wait(inner, Some(tick_at - now));
        }
    }
}

/// What the booth's folder needs now and then.
fn look_after(shared: &Shared, kept_at: &mut Instant) {
    let mut inner = shared.lock();
    inner.now_ms();
    if let Err(error) = inner.store.keep_in_place() {
        tracing::error!(%error, "it is tried again");
    }
    erasing::finish(shared, &mut inner);
    if kept_at.elapsed() >= KEEP_TIME_EVERY {
        inner.keep_time();
        *kept_at = Instant::now();
    }
    drop(inner);
    shared.reserve.fill();
}

/// Erases everything whose time is over.
pub(crate) fn erase_expired(shared: &Shared) -> Result<(), BoothError> {
    let mut freed = Vec::new();
    let mut inner = shared.lock();
    let now = inner.now_ms();
    let mut expired = 0;
    for row in inner.store.expiring(now)? {
        match due(row.state, row.expires_at_ms, now) {
            Due::Nothing => continue,
            Due::Erase => freed.extend(erasing::expire(shared, &mut inner, &row)?),
            Due::Remove => {
                freed.extend(inner.store.erase(row.id)?);
                inner.followers.gone(row.id);
            }
        }
        expired += 1;
    }
    if expired > 0 {
        inner.empty_log();
        tracing::info!(expired, "erased what was kept long enough");
    }
    drop(inner);
    shared.pictures.erase(&freed);
    Ok(())
}

/// Has a server forget what is left for it. False when it is away.
fn forget(shared: &Shared, stylist: &dyn Stylist) -> bool {
    let tickets = match left(&shared.lock(), stylist) {
        Ok(tickets) => tickets,
        Err(error) => {
            tracing::error!(%error, "which orders are to be forgotten cannot be read");
            return false;
        }
    };
    for ticket in tickets {
        if shared.is_stopping() {
            return true;
        }
        if let Err(trouble) = guarded(|| stylist.forget(&ticket)) {
            tracing::debug!(%trouble, "an order cannot be forgotten now");
            return false;
        }
        let mut inner = shared.lock();
        if let Err(error) = inner.store.forgotten(ticket.id) {
            tracing::error!(%error, "that an order is forgotten cannot be kept");
            return false;
        }
        // There may be more than one batch.
        inner.has_new_tickets = true;
    }
    true
}

/// Not those that a stylist still asks for: a cancelled order is taken back by it first.
fn left(inner: &Inner, stylist: &dyn Stylist) -> Result<Vec<Ticket>, BoothError> {
    let mut tickets = inner.store.to_forget(stylist.made_by())?;
    tickets.retain(|ticket| {
        inner
            .live
            .values()
            .all(|live| live.ticket != Some(ticket.id))
    });
    Ok(tickets)
}
