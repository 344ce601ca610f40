//! Decides which submissions are accepted: idempotency keys, styles, limits per visitor, address and queue.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::api::{JobView, RequestKey, SHOT_MIN_PX, Submission, SubmitError, Submitted};
use crate::booth::shared::Shared;
use crate::booth::state::BoothState;
use crate::job::{JobId, State};
use crate::jobs::estimate::DEFAULT_RETRY_AFTER;
use crate::jobs::store::jobs::NewJob;
use crate::photo_kind::PhotoKind;
use crate::stylist::{MadeBy, Style};

/// The styles on offer, each id once: available ones before unavailable ones.
pub(super) fn styles(shared: &Shared) -> Vec<Style> {
    let mut all = all_styles(shared);
    all.sort_by_key(|style| style.away);
    let mut seen = HashSet::new();
    all.retain(|style| seen.insert(style.id.clone()));
    all
}

/// All styles of all stylists, ComfyUI's first.
fn all_styles(shared: &Shared) -> Vec<Style> {
    let stylists = [MadeBy::Comfyui, MadeBy::BuiltIn].map(|made_by| shared.stylist(made_by));
    let mut all = Vec::new();
    for stylist in stylists.into_iter().flatten() {
        let away = stylist.ready().is_err();
        let styles = stylist.styles().into_iter();
        all.extend(styles.map(|style| Style { away, ..style }));
    }
    all
}

pub(super) fn submit(shared: &Shared, submission: &Submission) -> Result<Submitted, SubmitError> {
    let began = Instant::now();
    if let Some(known) = same_submission(&shared.lock(), submission)? {
        return Ok(known);
    }
    let style = style_of(shared, submission)?;
    check_sheet(submission)?;
    check_limits(shared, &shared.lock(), submission, style.made_by)?;
    // Written without the lock, because the disk may be slow.
    let file = shared.pictures.keep(submission.source.jpeg())?;
    let submitted = insert(shared, submission, &style, &file, began);
    if !submitted.as_ref().is_ok_and(|submitted| submitted.is_new) {
        shared.pictures.erase(&[file]);
    }
    shared.changed.notify_all();
    submitted
}

/// The existing job of the submission's idempotency key.
fn same_submission(
    state: &BoothState,
    submission: &Submission,
) -> Result<Option<Submitted>, SubmitError> {
    let Some(key) = &submission.key else {
        return Ok(None);
    };
    let job = job_of_key(state, &submission.visitor, key)?;
    Ok(job.map(|job| Submitted { job, is_new: false }))
}

// overflow: refused
pub(super) fn job_of_key(
    state: &BoothState,
    visitor: &str,
    key: &RequestKey,
) -> Result<Option<JobView>, SubmitError> {
    let Some(row) = state.store.job_of_key(visitor, key.id)? else {
        return Ok(None);
    };
    if row.form.as_ref() != Some(&key.form) {
        return Err(SubmitError::KeyReused);
    }
    Ok(Some(state.view(&row, Instant::now())))
}

/// Each shot of a sheet must show something.
// overflow: refused
fn check_sheet(submission: &Submission) -> Result<(), SubmitError> {
    let kind = submission.photo_kind;
    let (columns, rows) = kind.grid();
    let (width, height) = (submission.source.width_px(), submission.source.height_px());
    let shortest = (width / columns as u32).min(height / rows as u32);
    if kind == PhotoKind::Single || shortest >= SHOT_MIN_PX {
        return Ok(());
    }
    Err(SubmitError::SmallShots(kind))
}

fn style_of(shared: &Shared, submission: &Submission) -> Result<Style, SubmitError> {
    let id = &submission.style;
    let is_sheet = submission.photo_kind != PhotoKind::Single;
    if is_sheet && submission.made_by == Some(MadeBy::Comfyui) {
        return Err(SubmitError::OneShotOnly);
    }
    let made_by = match is_sheet {
        true => Some(MadeBy::BuiltIn),
        false => submission.made_by,
    };
    let mut styles = match made_by {
        None => styles(shared),
        Some(_) => all_styles(shared),
    };
    let is_meant =
        |style: &Style| style.id == *id && made_by.is_none_or(|made_by| made_by == style.made_by);
    if let Some(index) = styles.iter().position(is_meant) {
        return Ok(styles.swap_remove(index));
    }
    if !styles.is_empty() {
        return Err(SubmitError::UnknownStyle(id.clone()));
    }
    let mut stylists = shared.stylists.iter();
    let reason = stylists.find_map(|stylist| stylist.ready().err());
    Err(SubmitError::NoStylist(reason.map_or_else(
        || "there are no styles".to_owned(),
        |error| error.to_string(),
    )))
}

// overflow: refused
fn check_limits(
    shared: &Shared,
    state: &BoothState,
    submission: &Submission,
    made_by: MadeBy,
) -> Result<(), SubmitError> {
    check_visitor_limit(shared, state, &submission.visitor)?;
    let max = shared.settings.queue_max;
    check_room(state, made_by, &submission.address, max)
}

// overflow: refused
pub(super) fn check_visitor_limit(
    shared: &Shared,
    state: &BoothState,
    visitor: &str,
) -> Result<(), SubmitError> {
    let unfinished = state.store.unfinished_of(visitor)?;
    if unfinished.len() >= shared.settings.per_visitor_max {
        return Err(SubmitError::TooMany {
            retry_after: first_expected_end(state, &unfinished, Instant::now()),
        });
    }
    Ok(())
}

/// When the first of a visitor's jobs is expected to finish.
fn first_expected_end(state: &BoothState, unfinished: &[JobId], now: Instant) -> Duration {
    let expected = MadeBy::ALL.into_iter().flat_map(|made_by| {
        let jobs = unfinished.iter();
        jobs.filter_map(move |job| state.expected(*job, made_by, now))
    });
    // No estimate exists while the stylist is unavailable.
    let first = expected.min().unwrap_or(DEFAULT_RETRY_AFTER);
    first.max(Duration::from_secs(1))
}

/// Repeats all checks under the lock: another request may have used the key or the last place meanwhile. `began`: the
/// submission was received.
fn insert(
    shared: &Shared,
    submission: &Submission,
    style: &Style,
    file: &str,
    began: Instant,
) -> Result<Submitted, SubmitError> {
    let stylist = shared.stylist(style.made_by);
    let workload = stylist.map_or_else(|| style.id.clone(), |stylist| stylist.workload(&style.id));
    let mut state = shared.lock();
    if let Some(known) = same_submission(&state, submission)? {
        return Ok(known);
    }
    check_limits(shared, &state, submission, style.made_by)?;
    let now_ms = state.now_ms();
    let keep_ms = u64::try_from(shared.settings.keep.as_millis()).unwrap_or(u64::MAX);
    let id = JobId::random();
    let row = state.store.insert(&NewJob {
        id,
        visitor: &submission.visitor,
        address: &submission.address,
        key: submission.key.as_ref(),
        style: &style.id,
        photo_kind: submission.photo_kind,
        made_by: style.made_by,
        share: submission.share,
        source: file,
        created_at_ms: now_ms,
        expires_at_ms: now_ms.saturating_add(keep_ms),
    })?;
    let now = Instant::now();
    let stylist = state.stylist_mut(style.made_by);
    stylist.push(&row.owner(), id, &style.id, now);
    stylist.learn_workload(&style.id, workload);
    state.traces.submitted(id, style.made_by, began, now);
    state
        .metrics
        .jobs(style.made_by.name(), State::Queued.name())
        .inc();
    state.queue_changed();
    Ok(Submitted {
        job: state.view(&row, now),
        is_new: true,
    })
}

/// How many times the free places one address may hold while no other address holds any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth(pub usize);

/// Whether an address that holds `held` places may take another one, when `taken` of `max` places are taken
/// in total.
///
/// While no other address holds places, the limit is [`Growth`] times the free places, so many visitors
/// behind one address can use almost everything. While others hold places, the limit is the number of free
/// places. An address without a place is rejected only when nothing is free.
pub fn may_take(held: usize, taken: usize, max: usize, growth: Growth) -> bool {
    let free = max.saturating_sub(taken);
    let times = if taken > held { 1 } else { growth.0.max(1) };
    free > 0 && held <= free.saturating_mul(times)
}

/// One address may hold nine tenths of an otherwise empty queue.
const ADDRESS_GROWTH: Growth = Growth(8);

/// Checks that one more job of an address fits into a queue of at most `max` jobs.
// overflow: refused
fn check_room(
    state: &BoothState,
    made_by: MadeBy,
    address: &str,
    max: usize,
) -> Result<(), SubmitError> {
    let stylist = state.stylist(made_by);
    let (held, taken) = (stylist.queue.len_of_address(address), stylist.queue.len());
    let is_full = taken >= max;
    if !is_full && may_take(held, taken, max, ADDRESS_GROWTH) {
        return Ok(());
    }
    let current = state.current(stylist);
    let retry_after = match stylist.outage {
        Some(_) => DEFAULT_RETRY_AFTER,
        None => stylist.wait.until_room(current, Instant::now()),
    };
    Err(match is_full {
        true => SubmitError::Full { retry_after },
        false => SubmitError::AddressFull { retry_after },
    })
}

#[cfg(test)]
mod tests {

    use super::*;

    /// How many of `max` places one address gets while the others hold `others`.
    fn most(others: usize, max: usize, growth: usize) -> usize {
        let mut held = 0;
        while may_take(held, others + held, max, Growth(growth)) {
            held += 1;
        }
        held
    }

    #[test]
    fn a_single_address_gets_most_places() {
        assert_eq!(most(0, 50, 8), 45);
        assert_eq!(most(0, 8, 2), 6);
        assert_eq!(most(0, 1, 8), 1, "the first comer gets the only place");
    }

    #[test]
    fn beside_others_an_address_gets_half_of_the_free_places() {
        assert_eq!(most(10, 50, 8), 21);
        assert_eq!(most(45, 50, 8), 3);
        assert_eq!(most(49, 50, 8), 1, "a newcomer has the last place");
        assert_eq!(most(50, 50, 8), 0);
    }

    #[test]
    fn an_address_above_its_share_is_rejected() {
        assert!(!may_take(40, 41, 50, Growth(8)));
        assert!(may_take(4, 41, 50, Growth(8)));
        assert!(!may_take(60, 60, 50, Growth(8)), "the limit was lowered");
    }
}
