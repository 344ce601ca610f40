//! A ComfyUI server as a stylist. Needs nothing newer than the servers of January 2025.
//!
//! An order is sent in `order`, followed by WebSocket events (fast) and by polling queue and history
//! (authoritative; `tracker` decides), and finally erased on the server in `erase`. A thread surveys the
//! server periodically, to know which workflows it can run.

mod answers;
mod call_span;
mod check;
mod client;
mod erase;
mod events;
mod model_files;
mod order;
mod remote_order;
mod server_error;
mod settings;
mod socket;
mod survey;
#[cfg(test)]
mod tests;
mod tracker;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use capture::Heartbeat;
use uuid::Uuid;

pub use self::check::{Survey, WorkflowCheck};
pub use self::settings::{ComfyuiSettings, SettingsError, Timeouts};
pub use self::survey::survey;

use crate::comfyui::client::Client;
use crate::comfyui::erase::{Remaining, erase_within};
use crate::comfyui::order::PreparedOrder;
use crate::comfyui::remote_order::OrderNames;
use crate::comfyui::settings::Endpoint;
use crate::comfyui::survey::survey_server;
use crate::isolate;
use crate::people::FindPeople;
use crate::photo_kind::PhotoKind;
use crate::stylist::{JobContext, MadeBy, Order, RemoteOrder, Style, Stylist, StylistError};
use crate::workflow::definition::{Workflow, WorkflowStyle};

/// Failed surveys in a row before the server counts as unavailable: while it loads a model it answers late.
const FAILURES_MIN: u32 = 2;
/// Pause before a survey is repeated after the first failure.
const RECHECK: Duration = Duration::from_secs(2);
/// Upper bound of a survey; each of its calls has a shorter timeout.
const SURVEY_MAX: Duration = Duration::from_secs(10 * 60);
/// How long [`Stylist::forget`] waits for an order to stop.
const FORGET: Duration = Duration::from_secs(1);
/// Attempts to overwrite the pictures of an order while the server answers other calls.
const ERASE_TRIES: u32 = 10;
/// Of the thread that looks for faces.
const NICE: i32 = 10;

/// A ComfyUI server. Its survey thread ends when the last reference is dropped.
pub struct Comfyui {
    client: Client,
    workflows: Vec<Arc<Workflow>>,
    known: Mutex<ServerState>,
    ask_again: SyncSender<()>,
    find_people: Option<FindPeople>,
}

#[derive(Default)]
struct ServerState {
    survey: Option<Survey>,
    offers: Vec<Offer>,
    failures: u32,
    /// Why the server would take no job now, as text for visitors.
    unavailable_because: Option<&'static str>,
    /// Whether a picture of an order could not be overwritten.
    keeps_pictures: bool,
    /// Failed attempts to erase an order, by its id.
    tries: HashMap<Uuid, u32>,
}

/// A style and the workflow that makes it.
#[derive(Clone)]
struct Offer {
    workflow: Arc<Workflow>,
    style: WorkflowStyle,
}

impl Comfyui {
    /// Starts a thread that surveys the server; does not wait for it. Without `find_people`, crops of the results are
    /// centred.
    pub fn connect(
        settings: &ComfyuiSettings,
        workflows: Vec<Workflow>,
        find_people: Option<FindPeople>,
    ) -> Result<Arc<Self>, SettingsError> {
        let client = Client::new(Endpoint::new(settings)?);
        // overflow: newest-wins; one pending request for a survey is enough
        let (ask_again, asked_again) = sync_channel(1);
        let this = Arc::new(Self {
            client,
            workflows: workflows.into_iter().map(Arc::new).collect(),
            known: Mutex::new(ServerState {
                unavailable_because: Some(server_error::AWAY),
                ..ServerState::default()
            }),
            ask_again,
            find_people,
        });
        let weak = Arc::downgrade(&this);
        let survey = move |heartbeat: &Heartbeat| survey_loop(&weak, &asked_again, heartbeat);
        let spawned = settings.threads.spawn("comfyui-survey", survey);
        spawned.map_err(SettingsError::Thread)?;
        Ok(this)
    }

    /// Whether visitors' pictures are overwritten on the server afterwards. False if that failed or was not
    /// tried yet.
    pub fn erases_pictures(&self) -> bool {
        let known = self.lock_state();
        let survey = known.survey.as_ref();
        survey.is_some_and(|survey| survey.erases_pictures) && !known.keeps_pictures
    }

    /// The example picture of a style, if its workflow has one.
    pub fn example(&self, style: &str) -> Option<PathBuf> {
        self.offer(style)?.style.example
    }

    pub fn last_survey(&self) -> Option<Survey> {
        self.lock_state().survey.clone()
    }

    fn lock_state(&self) -> MutexGuard<'_, ServerState> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, style: &str) -> Option<Offer> {
        let known = self.lock_state();
        known
            .offers
            .iter()
            .find(|offer| offer.style.id == style)
            .cloned()
    }

    /// Surveys the server; returns the pause until the next survey.
    fn refresh(&self) -> Duration {
        let workflows: Vec<Workflow> = self.workflows.iter().map(|it| (**it).clone()).collect();
        let told = survey_server(&self.client, &workflows);
        let timeouts = &self.client.endpoint.timeouts;
        let mut known = self.lock_state();
        match told {
            Ok(survey) => {
                known.failures = 0;
                if known.survey.as_ref() != Some(&survey) {
                    log(&survey);
                }
                known.offers = self.offers(&survey);
                known.unavailable_because =
                    known.offers.is_empty().then_some(server_error::NOTHING);
                known.survey = Some(survey);
                timeouts.survey_ready
            }
            Err(error) => {
                known.failures += 1;
                let was_there = known.unavailable_because.is_none();
                if was_there && known.failures < FAILURES_MIN {
                    return RECHECK.min(timeouts.survey_away);
                }
                if was_there || known.failures == 1 {
                    tracing::warn!(
                        server = self.client.endpoint.shown(),
                        "{}",
                        error.to_string()
                    );
                }
                known.unavailable_because = Some(server_error::AWAY);
                timeouts.survey_away
            }
        }
    }

    /// The styles that the server can make; the first workflow that offers a style makes it.
    fn offers(&self, survey: &Survey) -> Vec<Offer> {
        let checked = self.workflows.iter().zip(&survey.workflows);
        let ready = checked.filter(|(_, check)| check.is_ready());
        let all = ready.flat_map(|(workflow, check)| {
            let with_files = Arc::new(workflow.with_files(&check.files));
            let styles = workflow.styles.iter();
            let offered = styles.filter(|style| check.styles.contains(&style.id));
            offered.map(move |style| Offer {
                workflow: Arc::clone(&with_files),
                style: style.clone(),
            })
        });
        let mut seen = HashSet::new();
        all.filter(|offer| seen.insert(offer.style.id.clone()))
            .collect()
    }

    /// Counts a failed attempt to erase an order on a reachable server. Returns whether to give up, so that
    /// other orders are erased too.
    fn count_failed_erase(&self, remote: &RemoteOrder) -> bool {
        if self.client.check_reachable().is_err() {
            return false;
        }
        let mut known = self.lock_state();
        let tries = known.tries.entry(remote.id).or_default();
        *tries += 1;
        *tries >= ERASE_TRIES
    }

    /// Looks for the faces in the visitor's picture, since the result has its shape and may have faces that no detector
    /// knows.
    fn find_focus(&self, order: &Order, context: &dyn JobContext) {
        let Some(find) = &self.find_people else {
            return;
        };
        if order.photo_kind != PhotoKind::Single {
            return;
        }
        let found = isolate::run("carrier-faces", NICE, || find(&order.source).focus());
        match found {
            Ok(Some(focus)) => context.set_focus(focus),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "cannot look for faces; crops are centred"),
        }
    }

    fn prepare(&self, order: &Order) -> Result<PreparedOrder, StylistError> {
        let Some(Offer { workflow, style }) = self.offer(&order.style) else {
            self.ready()?;
            let why =
                "the ComfyUI server lacks what the style needs now; `carrier doctor` tells what";
            return Err(server_error::failed(server_error::CANNOT, why));
        };
        let size = turbojpeg::read_header(&order.source);
        let size = size.map_err(|error| {
            StylistError::Failed(format!("The picture cannot be read: {error}"))
        })?;
        // Before a restart the order may have been sent with another workflow for the same style.
        let others = self.workflows.iter().filter(|other| {
            order.remote.is_some() && other.styles.iter().any(|style| style.id == order.style)
        });
        let mut outputs = vec![workflow.output.clone()];
        outputs.extend(others.map(|other| other.output.clone()));
        outputs.dedup();
        Ok(PreparedOrder {
            client: self.client.clone(),
            workflow,
            style,
            outputs,
            source: order.source.as_slice().into(),
            size_px: (size.width as u32, size.height as u32),
        })
    }
}

impl Stylist for Comfyui {
    fn made_by(&self) -> MadeBy {
        MadeBy::Comfyui
    }

    fn styles(&self) -> Vec<Style> {
        let known = self.lock_state();
        let offers = known.offers.iter();
        offers
            .map(|Offer { style, .. }| Style {
                id: style.id.clone(),
                title: style.title.clone(),
                made_by: MadeBy::Comfyui,
                away: known.unavailable_because.is_some(),
            })
            .collect()
    }

    fn ready(&self) -> Result<(), StylistError> {
        match &self.lock_state().unavailable_because {
            Some(why) => Err(StylistError::Unavailable((*why).to_owned())),
            None => Ok(()),
        }
    }

    fn stylise(&self, order: &Order, context: &dyn JobContext) -> Result<Vec<u8>, StylistError> {
        let prepared = self.prepare(order)?;
        let made = prepared.make(order.remote.clone(), context);
        match &made {
            Ok(_) => self.find_focus(order, context),
            Err(StylistError::Unavailable(_)) => {
                self.lock_state().unavailable_because = Some(server_error::AWAY);
                // overflow: newest-wins
                let _ = self.ask_again.try_send(());
            }
            Err(_) => {}
        }
        made
    }

    fn forget(&self, remote: &RemoteOrder) -> Result<(), StylistError> {
        match erase_within(&self.client, remote, FORGET) {
            Ok(Remaining::Nothing) => {}
            Ok(Remaining::Pictures) => self.lock_state().keeps_pictures = true,
            Ok(Remaining::Order) => {
                let why = "the ComfyUI server is still stopping the order";
                return Err(StylistError::Unavailable(why.to_owned()));
            }
            Err(error) if self.count_failed_erase(remote) => {
                tracing::warn!(
                    why = error.to_string(),
                    "a visitor's picture stays on the ComfyUI server"
                );
                self.lock_state().keeps_pictures = true;
                let _ = self.client.erase_history(&OrderNames::of(remote).order);
            }
            Err(error) => return Err(StylistError::Unavailable(error.to_string())),
        }
        self.lock_state().tries.remove(&remote.id);
        Ok(())
    }

    /// A style with its own number of steps has its own duration.
    fn workload(&self, style: &str) -> String {
        let Some(Offer { workflow, style }) = self.offer(style) else {
            return style.to_owned();
        };
        match style.steps {
            Some(steps) => format!("{} in {steps} steps", workflow.name),
            None => workflow.name.clone(),
        }
    }
}

fn survey_loop(server: &Weak<Comfyui>, asked_again: &Receiver<()>, heartbeat: &Heartbeat) {
    heartbeat.beat(SURVEY_MAX);
    while let Some(pause) = server.upgrade().map(|server| server.refresh()) {
        heartbeat.beat(pause + SURVEY_MAX);
        if asked_again.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn log(survey: &Survey) {
    let version = survey.version.as_deref().unwrap_or("of unknown version");
    let (ready, others): (Vec<_>, Vec<_>) =
        survey.workflows.iter().partition(|check| check.is_ready());
    let names: Vec<_> = ready.iter().map(|check| check.name.as_str()).collect();
    tracing::info!(version, ready = ?names, "ComfyUI server surveyed");
    for check in &others {
        tracing::debug!(workflow = check.name, missing = ?check.missing, "workflow is not available");
    }
    let nearest = others.iter().min_by_key(|check| check.missing.len());
    if let (true, Some(check)) = (ready.is_empty(), nearest) {
        let missing = check.missing.join("; ");
        tracing::warn!(
            workflow = check.name,
            missing,
            "the ComfyUI server can run none of the workflows; this one lacks the least"
        );
    }
}
