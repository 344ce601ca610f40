//! `PATCH` and `DELETE` of a session, which are the same for WHEP and WHIP.

use std::sync::Arc;

use super::reply::{
    Reply, SDP_FRAGMENT, ended, malformed_fragment, problem, readable, unknown, wanted_tag,
    wrong_tag,
};
use crate::engine::EngineHandle;
use crate::sdp::{Credentials, Fragment, RestartAnswer};
use crate::transport::ice::CheckNames;
use crate::transport::session::{Refused, Restart, Trickle};

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

/// Takes candidates that came after the offer: 204. New credentials ask for an ICE restart (RFC 9725
/// 4.3.3): 200 with our new ones and our addresses of now. Whatever else is answered, the session
/// goes on as it was.
pub(crate) async fn patch(engine: &EngineHandle, id: &str, patch: SessionPatch<'_>) -> Reply {
    let text = match readable(patch.content_type, SDP_FRAGMENT, patch.body) {
        Ok(text) => text,
        Err(reply) => return reply,
    };
    let Some(fragment) = Fragment::parse(text) else {
        return malformed_fragment();
    };
    let trickle = Trickle {
        id: id.to_owned(),
        tag: wanted_tag(patch.if_match),
        ufrag: fragment.ufrag.clone(),
        candidates: fragment.candidates.clone(),
    };
    match engine.trickle(trickle).await {
        Some(Ok(())) => Reply::new(204),
        Some(Err(Refused::Restart)) => restart(engine, id, patch, fragment).await,
        Some(Err(refused)) => refused_patch(refused),
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
        tag: wanted_tag(patch.if_match),
        names: Arc::new(CheckNames {
            local: credentials,
            remote: remote.ufrag.clone(),
        }),
        remote,
        addresses: candidates.local,
        networks: candidates.networks,
        candidates: fragment.candidates,
        brought_bytes: patch.body.len(),
    };
    match engine.restart(restart).await {
        Some(Ok(())) => Reply::new(200)
            .with("Content-Type", SDP_FRAGMENT)
            .with("ETag", format!("\"{tag}\""))
            .with("Cache-Control", "no-store")
            .containing(answer),
        Some(Err(refused)) => refused_patch(refused),
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

fn refused_patch(refused: Refused) -> Reply {
    match refused {
        Refused::WrongTag => wrong_tag(),
        Refused::Unknown | Refused::Full | Refused::Restart => unknown(),
    }
}
