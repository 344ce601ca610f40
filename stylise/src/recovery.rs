//! What a program that ended left behind, put in order before anything else happens.

use std::collections::HashSet;
use std::time::Instant;

use crate::error::BoothError;
use crate::inner::Inner;
use crate::job::State;
use crate::life::Event;
use crate::pictures::Pictures;
use crate::store::{End, Row};

/// Unfinished jobs stand in their queues again, jobs whose picture is missing fail, and pictures that belong to
/// no job are erased. How many of those.
pub(crate) fn recover(inner: &mut Inner, pictures: &Pictures) -> Result<usize, BoothError> {
    for row in inner.store.jobs()? {
        match row.state {
            State::Queued | State::Uploading | State::Running => resume(inner, pictures, &row)?,
            State::Done if !is_there(pictures, row.result.as_deref()) => {
                let words =
                    "The stylised picture is not on the disk any more: please make it again.";
                inner.end(row.id, row.made_by, End::ResultLost(words))?;
            }
            _ => {}
        }
    }
    // A log that was left over still has what was erased last.
    inner.store.checkpoint()?;
    let rows = inner.store.jobs()?;
    let named: HashSet<String> = rows
        .into_iter()
        .flat_map(|row| [row.source, row.result])
        .flatten()
        .collect();
    pictures.sweep(&named)
}

fn resume(inner: &mut Inner, pictures: &Pictures, row: &Row) -> Result<(), BoothError> {
    let has_begun = row.state != State::Queued;
    if has_begun {
        inner.store.advance(row.id, Event::PutBack)?;
    }
    if !is_there(pictures, row.source.as_deref()) {
        let words = "The picture is not on the disk any more: please take it again.";
        inner.end(row.id, row.made_by, End::Broke(words))?;
        return Ok(());
    }
    let now = Instant::now();
    let Some(bench) = inner.bench(row.made_by) else {
        let words = format!(
            "Please choose another style: {} is not used here any more.",
            row.made_by.title()
        );
        inner.end(row.id, row.made_by, End::Broke(&words))?;
        return Ok(());
    };
    let owner = row.owner();
    if has_begun || row.ticket.is_some() {
        bench.resume(&owner, row.id, &row.style, now);
    } else {
        bench.push(&owner, row.id, &row.style, now);
    }
    Ok(())
}

fn is_there(pictures: &Pictures, name: Option<&str>) -> bool {
    name.is_some_and(|name| pictures.has(name))
}
