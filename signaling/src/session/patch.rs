//! `PATCH` and `DELETE` of a session, shared by WHEP and WHIP.

use std::sync::Arc;

use super::reply::{
    Reply, SDP_FRAGMENT, checked_body, ended, entity_tag, malformed_fragment, problem, unknown,
    wrong_tag,
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
pub(crate) async fn patch(engine: &EngineHandle, id: &str, patch: SessionPatch<'_>) -> Reply {
    let text = match checked_body(patch.content_type, SDP_FRAGMENT, patch.body) {
        Ok(text) => text,
        Err(reply) => return reply,
    };
    let Some(fragment) = Fragment::parse(text) else {
        return malformed_fragment();
    };
    let trickle = Trickle {
        id: id.to_owned(),
        tag: entity_tag(patch.if_match),
        ufrag: fragment.ufrag.clone(),
        candidates: fragment.candidates.clone(),
    };
    match engine.trickle(trickle).await {
        Some(Ok(())) => Reply::new(204),
        Some(Err(SessionError::Restart)) => restart(engine, id, patch, fragment).await,
        Some(Err(error)) => patch_problem(error),
        None => ended(),
    }
}

async fn restart(
    engine: &EngineHandle,
    id: &str,
    patch: SessionPatch<'_>,
    fragment: Fragment,
) -> Reply {
    let Some(remote) = fragment.credentials else {
        let detail = "an ICE restart needs a=ice-ufrag and a=ice-pwd as RFC 8839 5.4 has them";
        return problem(400, "Malformed fragment", detail);
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
    match engine.restart(restart).await {
        Some(Ok(())) => Reply::new(200)
            .with("Content-Type", SDP_FRAGMENT)
            .with("ETag", format!("\"{tag}\""))
            .with("Cache-Control", "no-store")
            .containing(answer),
        Some(Err(error)) => patch_problem(error),
        None => ended(),
    }
}

/// Ends a session: 200.
pub(crate) async fn delete(engine: &EngineHandle, id: &str) -> Reply {
    match engine.leave(id.to_owned()).await {
        Some(Ok(())) => Reply::new(200),
        Some(Err(_)) => unknown(),
        None => ended(),
    }
}

fn patch_problem(error: SessionError) -> Reply {
    match error {
        SessionError::WrongTag => wrong_tag(),
        SessionError::Unknown | SessionError::Full | SessionError::Restart => unknown(),
    }
}
