//! `PATCH` and `DELETE` of a session, shared by WHEP and WHIP.

use std::sync::Arc;

use super::reply::{
    Reply, SDP_FRAGMENT, checked_body, entity_tag, malformed_fragment, problem, session_problem,
};
use crate::engine::EngineHandle;
use crate::sdp::{Credentials, Fragment, RestartAnswer};
use crate::transport::ice::CheckCredentials;
use crate::transport::session::{Restart, SessionError, Trickle};

/// A `PATCH` to a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionPatch<'a> {
    /// `If-Match`.
    pub if_match: Option<&'a str>,
    /// `Content-Type`.
    pub content_type: Option<&'a str>,
    /// `Host`: the address in it becomes a candidate.
    pub host: Option<&'a str>,
    /// The fragment.
    pub body: &'a [u8],
}

/// Adds trickled candidates: 204. New credentials request an ICE restart (RFC 9725 4.3.3): 200 with our new
/// credentials and current candidates. After an error the session continues unchanged.
pub(crate) async fn patch(
    engine: &EngineHandle,
    id: &str,
    patch: SessionPatch<'_>,
) -> Result<Reply, Reply> {
    let text = checked_body(patch.content_type, SDP_FRAGMENT, patch.body)?;
    let fragment = Fragment::parse(text).ok_or_else(malformed_fragment)?;
    let trickle = Trickle {
        id: id.to_owned(),
        tag: entity_tag(patch.if_match),
        ufrag: fragment.ufrag.clone(),
        candidates: fragment.candidates.clone(),
    };
    let trickled = engine.ask_session(id, move |audience, now, out| {
        audience.trickle(now, &trickle, out)
    });
    match trickled.await {
        Ok(()) => Ok(Reply::new(204)),
        Err(SessionError::Restart) => restart(engine, id, patch, fragment).await,
        Err(error) => Err(session_problem(error)),
    }
}

async fn restart(
    engine: &EngineHandle,
    id: &str,
    patch: SessionPatch<'_>,
    fragment: Fragment,
) -> Result<Reply, Reply> {
    let Some(remote) = fragment.credentials else {
        let detail = "an ICE restart needs a=ice-ufrag and a=ice-pwd as RFC 8839 5.4 has them";
        return Err(problem(400, "Malformed fragment", detail));
    };
    let candidates = engine.candidates(patch.host);
    let credentials = Credentials::random();
    let shared = engine.shared();
    let answer = RestartAnswer {
        mid: fragment.mid.as_deref(),
        credentials: &credentials,
        candidates: &candidates.lines(shared.port, shared.tcp),
    };
    let (answer, tag) = (answer.text(), credentials.ufrag.clone());
    let restart = Restart {
        id: id.to_owned(),
        tag: entity_tag(patch.if_match),
        names: Arc::new(CheckCredentials {
            local: credentials,
            remote: remote.ufrag.clone(),
        }),
        remote,
        addresses: candidates.local,
        networks: candidates.networks,
        candidates: fragment.candidates,
        request_bytes: patch.body.len(),
    };
    let restarted =
        engine.ask_session(id, |audience, now, out| audience.restart(now, restart, out));
    restarted.await.map_err(session_problem)?;
    Ok(Reply::new(200)
        .with("Content-Type", SDP_FRAGMENT)
        .with("ETag", format!("\"{tag}\""))
        .with("Cache-Control", "no-store")
        .containing(answer))
}

/// Ends a session: 200.
pub(crate) async fn delete(engine: &EngineHandle, id: &str) -> Reply {
    let owned = id.to_owned();
    let left = engine.ask_session(id, move |audience, now, out| {
        audience.leave(now, &owned, out)
    });
    match left.await {
        Ok(()) => Reply::new(200),
        Err(error) => session_problem(error),
    }
}
