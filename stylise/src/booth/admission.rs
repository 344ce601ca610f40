//! Who may submit what, and how it is taken in.

use std::time::{Duration, Instant};

use crate::inner::{Inner, NoRoom};
use crate::job::{JobId, State};
use crate::metrics::RefusedFor;
use crate::shared::Shared;
use crate::store::NewJob;
use crate::style::{MadeBy, Style};
use crate::view::{JobView, Refusal, RequestKey, Submission, Submitted};
use crate::wait::UNKNOWN;

/// What is offered, each id once: a style that is there before the same of a server that is away.
pub(super) fn styles(shared: &Shared) -> Vec<Style> {
    let mut all = of_all(shared);
    all.sort_by_key(|style| style.away);
    let mut styles: Vec<Style> = Vec::new();
    for style in all {
        if styles.iter().any(|other| other.id == style.id) {
            tracing::debug!(
                id = style.id,
                made_by = style.made_by.name(),
                "another style has that id"
            );
        } else {
            styles.push(style);
        }
    }
    styles
}

/// What each stylist can make, ComfyUI's first.
fn of_all(shared: &Shared) -> Vec<Style> {
    let stylists = [MadeBy::Comfyui, MadeBy::Laptop].map(|made_by| shared.stylist(made_by));
    let mut all = Vec::new();
    for stylist in stylists.into_iter().flatten() {
        let away = stylist.ready().is_err();
        let styles = stylist.styles().into_iter();
        all.extend(styles.map(|style| Style { away, ..style }));
    }
    all
}

pub(super) fn submit(shared: &Shared, submission: &Submission) -> Result<Submitted, Refusal> {
    if let Some(known) = known(shared, &shared.lock(), submission)? {
        return Ok(known);
    }
    let style = offered(shared, submission)?;
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

fn offered(shared: &Shared, submission: &Submission) -> Result<Style, Refusal> {
    let id = &submission.style;
    let mut styles = match submission.made_by {
        None => styles(shared),
        Some(_) => of_all(shared),
    };
    let is_meant = |style: &Style| {
        let by = submission.made_by;
        style.id == *id && by.is_none_or(|made_by| made_by == style.made_by)
    };
    if let Some(index) = styles.iter().position(is_meant) {
        return Ok(styles.swap_remove(index));
    }
    if !styles.is_empty() {
        shared.metrics.refused(RefusedFor::UnknownStyle);
        return Err(Refusal::UnknownStyle(id.clone()));
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
    let unknown = UNKNOWN;
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
    let stylist = shared.stylist(style.made_by);
    let recipe = stylist.map_or_else(|| style.id.clone(), |stylist| stylist.recipe(&style.id));
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
        bench.push(&row.owner(), id, &style.id, now);
        bench.learn_recipe(&style.id, recipe);
    }
    inner.metrics.count(style.made_by, State::Queued);
    inner.moved();
    Ok(Submitted {
        job: inner.view(&row, now),
        is_new: true,
    })
}
