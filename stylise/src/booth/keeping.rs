//! Stores a picture that is finished already: the program itself has made it, and no stylist works on it.

use std::time::Instant;

use crate::api::{BoothError, JobView};
use crate::booth::shared::Shared;
use crate::intake::CheckedPicture;
use crate::job::{JobId, State};
use crate::jobs::store::jobs::NewJob;
use crate::photo_kind::PhotoKind;
use crate::stylist::MadeBy;

/// Who submits such pictures: no visitor, so that they count against nobody's limit.
const NOBODY: &str = "";

pub(super) fn keep(
    shared: &Shared,
    picture: &CheckedPicture,
    style: &str,
) -> Result<JobView, BoothError> {
    // Written without the lock, because the disk may be slow. Twice, since each file belongs to one column.
    let source = shared.pictures.keep(picture.jpeg())?;
    let result = shared.pictures.keep(picture.jpeg()).inspect_err(|_| {
        shared.pictures.erase(std::slice::from_ref(&source));
    })?;
    let kept = insert(shared, style, &source, &result);
    if kept.is_err() {
        shared.pictures.erase(&[source, result]);
    }
    kept
}

fn insert(shared: &Shared, style: &str, source: &str, result: &str) -> Result<JobView, BoothError> {
    let mut state = shared.lock();
    let now_ms = state.now_ms();
    let keep_ms = u64::try_from(shared.settings.keep.as_millis()).unwrap_or(u64::MAX);
    let job = NewJob {
        id: JobId::random(),
        visitor: NOBODY,
        address: NOBODY,
        key: None,
        style,
        photo_kind: PhotoKind::Single,
        made_by: MadeBy::BuiltIn,
        share: false,
        source,
        created_at_ms: now_ms,
        expires_at_ms: now_ms.saturating_add(keep_ms),
    };
    let row = state.store.insert_done(&job, result)?;
    let kind = MadeBy::BuiltIn.name();
    state.metrics.jobs(kind, State::Done.name()).inc();
    Ok(state.view(&row, Instant::now()))
}
