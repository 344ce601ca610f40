//! The ComfyUI server behind the one trait: what it offers now, and the thread that keeps asking.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use capture::Heartbeat;

use super::check::Survey;
use super::client::Client;
use super::endpoint::{ComfyuiSettings, Endpoint, SettingsError};
use super::probe::ask;
use super::send::Job;
use super::withdraw::{Left, erase_within};
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
    /// Why it would take no job now.
    away: Option<String>,
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
                away: Some("The ComfyUI server has not answered yet.".to_owned()),
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
                known.away = known.offers.is_empty().then(|| {
                    "The ComfyUI server lacks what each style needs; `carrier doctor` tells what.".to_owned()
                });
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
                known.away = Some(error.words());
                pace.survey_away
            }
        }
    }

    /// Where several can make a style, the first one does.
    fn offers(&self, survey: &Survey) -> Vec<Offer> {
        let checked = self.workflows.iter().zip(&survey.workflows);
        let ready = checked.filter(|(_, check)| check.is_ready());
        let all = ready.flat_map(|(workflow, _)| {
            workflow.styles().iter().map(|style| Offer {
                workflow: Arc::clone(workflow),
                style: style.clone(),
            })
        });
        let mut seen = HashSet::new();
        all.filter(|offer| seen.insert(offer.style.id.clone()))
            .collect()
    }

    fn job(&self, order: &Order) -> Result<Job, Trouble> {
        let Some(Offer { workflow, style }) = self.offer(&order.style) else {
            self.ready()?;
            let why = "The ComfyUI server cannot make this style any more. Choose another.";
            return Err(Trouble::Failed(why.to_owned()));
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
            })
            .collect()
    }

    fn ready(&self) -> Result<(), Trouble> {
        match &self.known().away {
            Some(why) => Err(Trouble::Away(why.clone())),
            None => Ok(()),
        }
    }

    fn stylise(&self, order: &Order, desk: &dyn Desk) -> Result<Vec<u8>, Trouble> {
        let job = self.job(order)?;
        let made = job.make(order.ticket.clone(), desk);
        if let Err(Trouble::Away(why)) = &made {
            tracing::warn!(job = ?order.job, "{why}");
            self.known().away = Some(why.clone());
            // overflow: newest-wins
            let _ = self.poke.try_send(());
        }
        made
    }

    fn forget(&self, ticket: &Ticket) -> Result<(), Trouble> {
        match erase_within(&self.client, &ticket.id.to_string(), FORGET) {
            Ok(Left::Nothing) => Ok(()),
            Ok(Left::Something) => Err(Trouble::Away(
                "The ComfyUI server is still stopping the order.".to_owned(),
            )),
            Err(error) => Err(Trouble::Away(error.words())),
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
