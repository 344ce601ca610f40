//! The ComfyUI server behind the one trait: what it offers now, and the thread that keeps asking.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use capture::Heartbeat;
use uuid::Uuid;

use super::check::Survey;
use super::client::Client;
use super::endpoint::{ComfyuiSettings, Endpoint, SettingsError};
use super::erase::{Left, erase_within};
use super::memo::Names;
use super::plain;
use super::probe::ask;
use super::send::Job;
use crate::style::{MadeBy, Style};
use crate::stylist::{Desk, Order, Stylist, Ticket, Trouble};
use crate::workflow::{Workflow, WorkflowStyle};

/// One survey may fail: a server that loads a model answers late.
const FAILURES_MIN: u32 = 2;
/// Before the second survey after one that failed.
const RECHECK: Duration = Duration::from_secs(2);
/// What a survey may take: each of its calls has a shorter deadline.
const SURVEY_MAX: Duration = Duration::from_secs(10 * 60);
/// How long [`Stylist::forget`] waits for an order to stop.
const FORGET: Duration = Duration::from_secs(1);
/// So often it is tried to overwrite the pictures of an order while the server answers everything else.
const ERASE_TRIES: u32 = 10;

/// A ComfyUI server. Cheap to share; its thread ends with the last handle.
pub struct Comfyui {
    client: Client,
    workflows: Vec<Arc<Workflow>>,
    known: Mutex<Known>,
    poke: SyncSender<()>,
}

#[derive(Default)]
struct Known {
    survey: Option<Survey>,
    offers: Vec<Offer>,
    failures: u32,
    /// Why it would take no job now, for visitors.
    away: Option<&'static str>,
    /// A picture of an order could not be overwritten.
    keeps_pictures: bool,
    /// Orders whose pictures could not be overwritten yet, and how often that was tried.
    tries: HashMap<Uuid, u32>,
}

/// Who makes a style.
#[derive(Clone)]
struct Offer {
    workflow: Arc<Workflow>,
    style: WorkflowStyle,
}

impl Comfyui {
    /// Begins to ask the server, in a thread of its own; waits for nothing.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub fn connect(
        settings: &ComfyuiSettings,
        workflows: Vec<Workflow>,
    ) -> Result<Arc<Self>, SettingsError> {
        let client = Client::new(Endpoint::new(settings)?);
        // overflow: newest-wins; one request to ask again is as good as several
        let (poke, poked) = sync_channel(1);
        let this = Arc::new(Self {
            client,
            workflows: workflows.into_iter().map(Arc::new).collect(),
            known: Mutex::new(Known {
                away: Some(plain::AWAY),
                ..Known::default()
            }),
            poke,
        });
        let weak = Arc::downgrade(&this);
        let survey = move |heartbeat: &Heartbeat| keep_asking(&weak, &poked, heartbeat);
        let spawned = settings.threads.spawn("comfyui-survey", survey);
        spawned.map_err(SettingsError::Thread)?;
        Ok(this)
    }

    /// Whether the pictures of visitors are overwritten on the server when they are over. False where that was
    /// tried in vain, or not yet.
    #[must_use]
    pub fn erases_pictures(&self) -> bool {
        let known = self.known();
        let survey = known.survey.as_ref();
        survey.is_some_and(|survey| survey.erases_pictures) && !known.keeps_pictures
    }

    /// A picture that shows a style, if its workflow brings one.
    #[must_use]
    pub fn example(&self, style: &str) -> Option<PathBuf> {
        self.offer(style)?.style.example
    }

    /// What the server said last of itself.
    #[must_use]
    pub fn last_survey(&self) -> Option<Survey> {
        self.known().survey.clone()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn offer(&self, style: &str) -> Option<Offer> {
        let known = self.known();
        known
            .offers
            .iter()
            .find(|offer| offer.style.id == style)
            .cloned()
    }

    /// Asks now; returns when to ask again.
    fn refresh(&self) -> Duration {
        let workflows: Vec<Workflow> = self.workflows.iter().map(|it| (**it).clone()).collect();
        let told = ask(&self.client, &workflows);
        let pace = &self.client.endpoint.pace;
        let mut known = self.known();
        match told {
            Ok(survey) => {
                known.failures = 0;
                if known.survey.as_ref() != Some(&survey) {
                    log(&survey);
                }
                known.offers = self.offers(&survey);
                known.away = known.offers.is_empty().then_some(plain::NOTHING);
                known.survey = Some(survey);
                pace.survey_ready
            }
            Err(error) => {
                known.failures += 1;
                let was_there = known.away.is_none();
                if was_there && known.failures < FAILURES_MIN {
                    return RECHECK.min(pace.survey_away);
                }
                if was_there || known.failures == 1 {
                    tracing::warn!(server = self.client.endpoint.shown(), "{}", error.words());
                }
                known.away = Some(plain::AWAY);
                pace.survey_away
            }
        }
    }

    /// Where several can make a style, the first one does.
    fn offers(&self, survey: &Survey) -> Vec<Offer> {
        let checked = self.workflows.iter().zip(&survey.workflows);
        let ready = checked.filter(|(_, check)| check.is_ready());
        let all = ready.flat_map(|(workflow, check)| {
            let styles = workflow.styles().iter();
            let offered = styles.filter(|style| check.styles.contains(&style.id));
            offered.map(|style| Offer {
                workflow: Arc::clone(workflow),
                style: style.clone(),
            })
        });
        let mut seen = HashSet::new();
        all.filter(|offer| seen.insert(offer.style.id.clone()))
            .collect()
    }

    /// After many attempts on a server that answers: other orders are to be erased as well.
    fn gives_up(&self, ticket: &Ticket) -> bool {
        if self.client.is_there().is_err() {
            return false;
        }
        let mut known = self.known();
        let tries = known.tries.entry(ticket.id).or_default();
        *tries += 1;
        *tries >= ERASE_TRIES
    }

    fn job(&self, order: &Order) -> Result<Job, Trouble> {
        let Some(Offer { workflow, style }) = self.offer(&order.style) else {
            self.ready()?;
            let why =
                "the ComfyUI server lacks what the style needs now; `carrier doctor` tells what";
            return Err(plain::failed(plain::CANNOT, why));
        };
        let broken = |error: image::ImageError| {
            Trouble::Failed(format!("The picture cannot be read: {error}"))
        };
        let source = std::io::Cursor::new(order.source.as_slice());
        let reader = image::ImageReader::new(source).with_guessed_format();
        let reader = reader.map_err(|error| broken(error.into()))?;
        let (width_px, height_px) = reader.into_dimensions().map_err(broken)?;
        // The workflow that it was sent with before may have been another.
        let others = self.workflows.iter().filter(|other| {
            order.ticket.is_some() && other.styles().iter().any(|style| style.id == order.style)
        });
        let mut outputs = vec![workflow.output().to_owned()];
        outputs.extend(others.map(|other| other.output().to_owned()));
        outputs.dedup();
        Ok(Job {
            client: self.client.clone(),
            workflow,
            style,
            outputs,
            source: order.source.as_slice().into(),
            width_px,
            height_px,
        })
    }
}

impl Stylist for Comfyui {
    fn made_by(&self) -> MadeBy {
        MadeBy::Comfyui
    }

    fn styles(&self) -> Vec<Style> {
        let known = self.known();
        let offers = known.offers.iter();
        offers
            .map(|Offer { style, .. }| Style {
                id: style.id.clone(),
                title: style.title.clone(),
                made_by: MadeBy::Comfyui,
                away: known.away.is_some(),
            })
            .collect()
    }

    fn ready(&self) -> Result<(), Trouble> {
        match &self.known().away {
            Some(why) => Err(Trouble::Away((*why).to_owned())),
            None => Ok(()),
        }
    }

    fn stylise(&self, order: &Order, desk: &dyn Desk) -> Result<Vec<u8>, Trouble> {
        let job = self.job(order)?;
        let made = job.make(order.ticket.clone(), desk);
        if let Err(Trouble::Away(_)) = &made {
            self.known().away = Some(plain::AWAY);
            // overflow: newest-wins
            let _ = self.poke.try_send(());
        }
        made
    }

    fn forget(&self, ticket: &Ticket) -> Result<(), Trouble> {
        match erase_within(&self.client, ticket, FORGET) {
            Ok(Left::Nothing) => {}
            Ok(Left::Pictures) => self.known().keeps_pictures = true,
            Ok(Left::Order) => {
                let why = "the ComfyUI server is still stopping the order";
                return Err(Trouble::Away(why.to_owned()));
            }
            Err(error) if self.gives_up(ticket) => {
                tracing::warn!(
                    why = error.words(),
                    "a visitor's picture stays on the ComfyUI server"
                );
                self.known().keeps_pictures = true;
                let _ = self.client.erase_history(&Names::of(ticket).order);
            }
            Err(error) => return Err(Trouble::Away(error.words())),
        }
        self.known().tries.remove(&ticket.id);
        Ok(())
    }

    /// A style that sets its own steps takes its own time.
    fn recipe(&self, style: &str) -> String {
        let Some(Offer { workflow, style }) = self.offer(style) else {
            return style.to_owned();
        };
        match style.steps {
            Some(steps) => format!("{} in {steps} steps", workflow.name()),
            None => workflow.name().to_owned(),
        }
    }
}

fn keep_asking(server: &Weak<Comfyui>, poked: &Receiver<()>, heartbeat: &Heartbeat) {
    heartbeat.beat(SURVEY_MAX);
    while let Some(pause) = server.upgrade().map(|server| server.refresh()) {
        heartbeat.beat(pause + SURVEY_MAX);
        if poked.recv_timeout(pause) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}

fn log(survey: &Survey) {
    let version = survey.version.as_deref().unwrap_or("of unknown version");
    let ready = survey.workflows.iter().filter(|check| check.is_ready());
    let ready: Vec<_> = ready.map(|check| check.name.as_str()).collect();
    tracing::info!(version, ?ready, "the ComfyUI server is there");
    for check in survey.workflows.iter().filter(|check| !check.is_ready()) {
        tracing::debug!(workflow = check.name, missing = ?check.missing, "a workflow is left out");
    }
}
