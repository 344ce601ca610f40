//! The thread that erases what is over: jobs whose time has come, and what servers still know of jobs.

use std::time::{Duration, Instant};

use capture::{Heartbeat, TURN_MAX};

use crate::clock::unix_ms;
use crate::error::BoothError;
use crate::expiry::{Due, due};
use crate::inner::Inner;
use crate::job::State;
use crate::shared::{Shared, guarded};
use crate::store::Row;
use crate::stylist::{Stylist, Ticket};

/// What erasing may take, on a slow disk and with a server that answers late.
const ERASING_MAX: Duration = Duration::from_secs(10 * 60);

/// Ends when the booth closes.
pub(crate) fn run(shared: &Shared, heartbeat: &Heartbeat) {
    loop {
        heartbeat.beat(ERASING_MAX);
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

fn erase_expired(shared: &Shared) -> Result<(), BoothError> {
    let now = unix_ms();
    let mut freed = Vec::new();
    let mut inner = shared.lock();
    let mut expired = 0;
    for row in inner.store.expiring(now)? {
        match due(row.state, row.expires_at_unix_ms, now) {
            Due::Nothing => continue,
            Due::Erase => freed.extend(expire(&mut inner, &row)?),
            Due::Remove => {
                freed.extend(inner.store.erase(row.id)?);
                inner.followers.gone(row.id);
            }
        }
        expired += 1;
    }
    if expired > 0 {
        inner.store.checkpoint()?;
        tracing::info!(expired, "erased what was kept long enough");
    }
    drop(inner);
    shared.pictures.erase(&freed);
    Ok(())
}

fn expire(inner: &mut Inner, row: &Row) -> Result<Vec<String>, BoothError> {
    let Some(freed) = inner.store.expire(row.id)? else {
        return Ok(Vec::new());
    };
    inner.ended(row.id, row.made_by, State::Expired);
    Ok(freed)
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
