//! Who may submit what, and how it is taken in.

use std::time::{Duration, Instant};

use crate::inner::{Inner, NoRoom};
use crate::job::{JobId, State};
use crate::metrics::RefusedFor;
use crate::shared::Shared;
use crate::store::NewJob;
use crate::style::{MadeBy, Style};
use crate::view::{JobView, Refusal, RequestKey, Submission, Submitted};

/// What is offered, each id once.
pub(super) fn styles(shared: &Shared) -> Vec<Style> {
    let mut styles: Vec<Style> = Vec::new();
    for made_by in [MadeBy::Comfyui, MadeBy::Laptop] {
        let Some(stylist) = shared.stylist(made_by) else {
            continue;
        };
        for style in stylist.styles() {
            if styles.iter().any(|other| other.id == style.id) {
                tracing::debug!(
                    id = style.id,
                    made_by = made_by.name(),
                    "another style has that id"
                );
            } else {
                styles.push(style);
            }
        }
    }
    styles
}

pub(super) fn submit(shared: &Shared, submission: &Submission) -> Result<Submitted, Refusal> {
    if let Some(known) = known(shared, &shared.lock(), submission)? {
        return Ok(known);
    }
    let style = offered(shared, &submission.style)?;
    admit(shared, &shared.lock(), submission, style.made_by)?;
    // Not under the lock: the disk takes its time.
    let file = shared.pictures.keep(submission.source.jpeg())?;
    let submitted = insert(shared, submission, &style, &file);
    if !submitted.as_ref().is_ok_and(|submitted| submitted.is_new) {
        shared.pictures.erase(&[file]);
    }
    shared.changed.notify_all();
    submitted
}

/// The job that the submission's key already has.
fn known(
    shared: &Shared,
    inner: &Inner,
    submission: &Submission,
) -> Result<Option<Submitted>, Refusal> {
    let Some(key) = &submission.key else {
        return Ok(None);
    };
    let job = of_key(shared, inner, &submission.visitor, key)?;
    Ok(job.map(|job| Submitted { job, is_new: false }))
}

// overflow: refused
pub(super) fn of_key(
    shared: &Shared,
    inner: &Inner,
    visitor: &str,
    key: &RequestKey,
) -> Result<Option<JobView>, Refusal> {
    let Some(row) = inner.store.job_of_key(visitor, key.id)? else {
        return Ok(None);
    };
    if row.form.as_ref() != Some(&key.form) {
        shared.metrics.refused(RefusedFor::KeyReused);
        return Err(Refusal::KeyReused);
    }
    Ok(Some(inner.view(&row, Instant::now())))
}

fn offered(shared: &Shared, id: &str) -> Result<Style, Refusal> {
    let mut styles = styles(shared);
    if let Some(index) = styles.iter().position(|style| style.id == id) {
        return Ok(styles.swap_remove(index));
    }
    if !styles.is_empty() {
        shared.metrics.refused(RefusedFor::UnknownStyle);
        return Err(Refusal::UnknownStyle(id.to_owned()));
    }
    shared.metrics.refused(RefusedFor::NoStylist);
    let reasons = shared
        .stylists
        .iter()
        .filter_map(|stylist| stylist.ready().err());
    let reason = reasons.map(|trouble| trouble.to_string()).next();
    let reason = reason.unwrap_or_else(|| "there are no styles".to_owned());
    Err(Refusal::NoStylist(reason))
}

// overflow: refused
fn admit(
    shared: &Shared,
    inner: &Inner,
    submission: &Submission,
    made_by: MadeBy,
) -> Result<(), Refusal> {
    admit_visitor(shared, inner, &submission.visitor)?;
    let max = shared.settings.queue_max;
    match inner.room(made_by, &submission.address, max, Instant::now()) {
        Ok(()) => Ok(()),
        Err(NoRoom::Full(retry_after)) => {
            shared.metrics.refused(RefusedFor::QueueFull);
            Err(Refusal::Full { retry_after })
        }
        Err(NoRoom::AddressFull(retry_after)) => {
            shared.metrics.refused(RefusedFor::AddressFull);
            Err(Refusal::AddressFull { retry_after })
        }
    }
}

// overflow: refused
pub(super) fn admit_visitor(shared: &Shared, inner: &Inner, visitor: &str) -> Result<(), Refusal> {
    let unfinished = inner.store.unfinished_of(visitor)?;
    if unfinished.len() >= shared.settings.per_visitor_max {
        shared.metrics.refused(RefusedFor::TooManyOfVisitor);
        return Err(Refusal::TooMany {
            retry_after: first_done(shared, inner, &unfinished, Instant::now()),
        });
    }
    Ok(())
}

/// When the first of a visitor's jobs is expected to be finished.
fn first_done(shared: &Shared, inner: &Inner, unfinished: &[JobId], now: Instant) -> Duration {
    let kinds = shared.stylists.iter().map(|stylist| stylist.made_by());
    let expected = kinds.flat_map(|made_by| {
        unfinished
            .iter()
            .filter_map(move |job| inner.expected(*job, made_by, now))
    });
    // While its stylist is away nobody can tell.
    let unknown = shared.settings.tick;
    expected
        .min()
        .unwrap_or(unknown)
        .max(Duration::from_secs(1))
}

/// Asks again, under the lock: the same key, or the last place, may have been taken meanwhile.
fn insert(
    shared: &Shared,
    submission: &Submission,
    style: &Style,
    file: &str,
) -> Result<Submitted, Refusal> {
    let mut inner = shared.lock();
    if let Some(known) = known(shared, &inner, submission)? {
        return Ok(known);
    }
    admit(shared, &inner, submission, style.made_by)?;
    let now_ms = inner.now_ms();
    let keep_ms = u64::try_from(shared.settings.keep.as_millis()).unwrap_or(u64::MAX);
    let id = JobId::random();
    let row = inner.store.insert(&NewJob {
        id,
        visitor: &submission.visitor,
        address: &submission.address,
        key: submission.key.as_ref(),
        style: &style.id,
        made_by: style.made_by,
        share: submission.share,
        source: file,
        created_at_ms: now_ms,
        expires_at_ms: now_ms.saturating_add(keep_ms),
    })?;
    let now = Instant::now();
    if let Some(bench) = inner.bench(style.made_by) {
        bench.push(&row.owner(), id, now);
    }
    inner.metrics.count(style.made_by, State::Queued);
    inner.moved();
    Ok(Submitted {
        job: inner.view(&row, now),
        is_new: true,
    })
}
