//! Sends each event to the webhook, in order; an answer other than success is tried again with exponential back-off.

mod delivery;

use std::sync::Arc;
use std::time::{Duration, Instant};

use capture::Backoff;
use ureq::Agent;

use self::delivery::{DeliveryResult, SIGNATURE_HEADER, signature};
use super::destination::WebhookTarget;
use super::sampling;
use crate::app::App;
use crate::metrics::{EventFollowerKind, WebhookOutcome};
use crate::shutter::now_unix_ms;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const RETRY: Backoff = Backoff::new(Duration::from_secs(1), Duration::from_secs(300));

/// While an event is tried again, newer ones wait among the [kept ones](super::KEPT).
pub(crate) async fn deliver_events(app: Arc<App>, target: WebhookTarget) {
    let (agent, to) = (agent(), target.origin());
    let mut follower = sampling::follow(&app, EventFollowerKind::Webhook, None);
    loop {
        let event = follower.next().await;
        let body = match serde_json::to_vec(&*event) {
            Ok(body) => Arc::new(body),
            Err(error) => {
                tracing::error!(%error, "an event could not be written as JSON");
                continue;
            }
        };
        let mut retry = RETRY;
        loop {
            let (agent, target, body) = (agent.clone(), target.clone(), Arc::clone(&body));
            let posting = tokio::task::spawn_blocking(move || post(&agent, &target, &body));
            let result = posting
                .await
                .unwrap_or_else(|error| DeliveryResult::Retry(error.to_string()));
            let deliveries = &app.events.metrics.webhook_deliveries;
            let outcome = WebhookOutcome::from(&result);
            deliveries.get_or_create(&[("outcome", outcome)]).inc();
            match result {
                DeliveryResult::Delivered => break,
                DeliveryResult::Refused(why) => {
                    tracing::warn!(
                        to,
                        why,
                        id = event.id,
                        "the webhook refused an event; it is dropped"
                    );
                    break;
                }
                DeliveryResult::Retry(why) => {
                    let wait = retry.failed(Instant::now());
                    tracing::warn!(to, why, ?wait, "the webhook failed and is tried again");
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }
}

/// No redirects: what is signed is for the configured server.
fn agent() -> Agent {
    let config = Agent::config_builder()
        .timeout_connect(Some(CONNECT_WITHIN))
        .timeout_global(Some(ANSWER_WITHIN))
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false);
    config.build().into()
}

fn post(agent: &Agent, target: &WebhookTarget, body: &[u8]) -> DeliveryResult {
    let signed = signature(&target.secret, now_unix_ms() / 1000, body);
    let answer = agent
        .post(target.url.as_str())
        .header("User-Agent", concat!("carrier/", env!("CARGO_PKG_VERSION")))
        .header(SIGNATURE_HEADER, signed)
        .content_type("application/json")
        .send(body);
    match answer {
        Ok(answer) => DeliveryResult::of_status(answer.status().as_u16()),
        Err(error) => DeliveryResult::Retry(error_words(&error)),
    }
}

/// Without the address, which may contain a secret.
fn error_words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::BadUri(_) => "the address cannot be used".to_owned(),
        other => other.to_string(),
    }
}
