//! The loop of one order: sent, followed to its end, fetched; sent once more where the server lost it.

use std::time::{Duration, Instant};

use super::client::CallError;
use super::errand::{Errand, glance};
use super::events::PictureRef;
use super::run::{Look, Run, Verdict};
use super::send::{Job, Sent};
use super::socket::{Heard, Socket};
use super::withdraw::withdraw;
use crate::stylist::{Desk, Ticket, Trouble};

/// Never a third time, whatever happened.
const SENDS_MAX: u8 = 2;
const FETCHES: u8 = 3;
/// A look into the queue is answered within this, as a rule.
const GLIMPSE: Duration = Duration::from_millis(25);
/// Stands in for the socket's own pause while there is none.
const PAUSE: Duration = Duration::from_millis(100);

impl Job {
    /// From the order, or from the ticket it was sent with before, to the picture.
    pub(super) fn make(&self, ticket: Option<Ticket>, desk: &dyn Desk) -> Result<Vec<u8>, Trouble> {
        let mut sent = match ticket {
            Some(ticket) => Sent {
                opening: self.open_socket(&ticket),
                ticket,
                known: false,
            },
            None => self.send(1, desk)?,
        };
        loop {
            let ticket = sent.ticket.clone();
            let id = ticket.id.to_string();
            let verdict = self.follow(sent, desk).inspect_err(|trouble| {
                if *trouble == Trouble::Cancelled {
                    withdraw(&self.client, id.clone(), None);
                }
            })?;
            let why = match verdict {
                Verdict::Done(picture) => match self.fetch(&picture, desk)? {
                    Some(picture) => return Ok(picture),
                    None => "The ComfyUI server lost the picture twice. Ask again.",
                },
                Verdict::Lost => "The ComfyUI server lost the order twice. Ask again.",
                Verdict::OutOfMemory => {
                    "The ComfyUI server has too little graphics memory for this style. Try another."
                }
                Verdict::Failed(why) => return Err(Trouble::Failed(why)),
                Verdict::Overdue(why) => {
                    withdraw(&self.client, id, None);
                    return Err(Trouble::Failed(why));
                }
                Verdict::Away(why) => return Err(Trouble::Away(why)),
            };
            if ticket.sends >= SENDS_MAX {
                return Err(Trouble::Failed(why.to_owned()));
            }
            withdraw(&self.client, id, None);
            sent = self.send(ticket.sends + 1, desk)?;
        }
    }

    fn follow(&self, sent: Sent, desk: &dyn Desk) -> Result<Verdict, Trouble> {
        let id = sent.ticket.id.to_string();
        let pace = self.client.endpoint.pace.clone();
        let outputs = self.outputs.clone();
        let mut run = Run::new(id.clone(), outputs, sent.known, pace, Instant::now());
        let mut ear = Ear::new(sent.opening);
        let mut looking: Option<Errand<Look>> = None;
        loop {
            glance(desk)?;
            if let Some(answer) = looking.as_ref().and_then(|look| look.wait(GLIMPSE)) {
                looking = None;
                match answer {
                    Ok(look) => run.on_look(look, Instant::now()),
                    Err(error) => run.on_no_answer(&error.words(), Instant::now()),
                }
            }
            let verdict = run.verdict(Instant::now());
            if let Some(progress) = run.news() {
                desk.report(progress);
            }
            if let Some(verdict) = verdict {
                return Ok(verdict);
            }
            if looking.is_none() && run.wants_look(Instant::now()) {
                let (client, id) = (self.client.clone(), id.clone());
                looking = Some(Errand::start(move || client.look(&id)));
            }
            ear.listen(&mut run, desk);
            if ear.wants_socket(self.client.endpoint.pace.reconnect) {
                ear = Ear::new(self.open_socket(&sent.ticket));
            }
        }
    }

    /// None: it is not there any more.
    fn fetch(&self, picture: &PictureRef, desk: &dyn Desk) -> Result<Option<Vec<u8>>, Trouble> {
        let mut last = CallError::Garbled;
        for _ in 0..FETCHES {
            let (client, picture) = (self.client.clone(), picture.clone());
            let fetching = Errand::start(move || client.picture(&picture));
            match fetching.attend(desk)? {
                Ok(picture) => return Ok(Some(picture)),
                Err(CallError::Refused { status: 404, .. }) => return Ok(None),
                Err(error @ (CallError::TooLong | CallError::Refused { .. })) => {
                    return Err(Trouble::Failed(error.words()));
                }
                Err(error) => last = error,
            }
        }
        Err(Trouble::Away(last.words()))
    }
}

/// The socket, or the attempt to have one: without it an order is followed by looks alone.
enum Ear {
    Opening(Errand<Socket>, Instant),
    Open(Box<Socket>),
    Deaf(Instant),
}

impl Ear {
    fn new(opening: Errand<Socket>) -> Self {
        Self::Opening(opening, Instant::now())
    }

    /// Waits a moment for what the server says.
    fn listen(&mut self, run: &mut Run, desk: &dyn Desk) {
        match self {
            Self::Opening(opening, since) => match opening.wait(PAUSE) {
                Some(Ok(socket)) => *self = Self::Open(Box::new(socket)),
                Some(Err(_)) => *self = Self::Deaf(*since),
                None => {}
            },
            Self::Open(socket) => match socket.listen() {
                Heard::Nothing => {}
                Heard::Traffic => run.on_traffic(Instant::now()),
                Heard::Event(event) => {
                    if let Some(preview) = run.on_event(event, Instant::now()) {
                        desk.preview(preview);
                    }
                }
                Heard::Dead => *self = Self::Deaf(Instant::now()),
            },
            Self::Deaf(_) => std::thread::sleep(PAUSE),
        }
    }

    fn wants_socket(&self, pause: Duration) -> bool {
        matches!(self, Self::Deaf(since) if since.elapsed() >= pause)
    }
}
