//! The loop of one order: sent, followed to its end, fetched; sent once more where the server lost it.

use std::time::{Duration, Instant};

use super::client::CallError;
use super::erase::withdraw;
use super::errand::{Errand, glance};
use super::events::PictureRef;
use super::memo::{Memo, Names};
use super::plain;
use super::run::{Look, Run, Verdict};
use super::send::{Job, Sent};
use super::socket::{Heard, Socket};
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
            Some(ticket) if Memo::of(&ticket).only_photo => self.send(ticket.sends + 1, desk)?,
            Some(ticket) => Sent {
                opening: self.open_socket(&ticket),
                ticket,
                known: false,
            },
            None => self.send(1, desk)?,
        };
        loop {
            let mut ticket = sent.ticket.clone();
            let verdict = self.follow(sent.opening, sent.known, &mut ticket, desk);
            let verdict = verdict.inspect_err(|trouble| {
                if *trouble == Trouble::Cancelled {
                    withdraw::<()>(&self.client, &ticket, None);
                }
            })?;
            let (visitor, technical) = match verdict {
                Verdict::Done(picture) => match self.result(&picture, &mut ticket, desk)? {
                    Some(picture) => return Ok(picture),
                    None => (plain::LOST, "the ComfyUI server lost the picture twice"),
                },
                Verdict::Lost => (plain::LOST, "the ComfyUI server lost the order twice"),
                Verdict::OutOfMemory => (
                    plain::TOO_LARGE,
                    "the ComfyUI server has too little graphics memory for this style",
                ),
                Verdict::Failed { visitor, technical } => {
                    return Err(plain::failed(visitor, &technical));
                }
                Verdict::Overdue { visitor, technical } => {
                    withdraw::<()>(&self.client, &ticket, None);
                    return Err(plain::failed(visitor, &technical));
                }
                Verdict::Away(why) => return Err(plain::away(&why)),
            };
            if ticket.sends >= SENDS_MAX {
                return Err(plain::failed(visitor, technical));
            }
            withdraw::<()>(&self.client, &ticket, None);
            sent = self.send(ticket.sends + 1, desk)?;
        }
    }

    /// Where the result lies is on disk before it is fetched: a server that is started anew forgets where,
    /// and keeps the file.
    fn result(
        &self,
        picture: &PictureRef,
        ticket: &mut Ticket,
        desk: &dyn Desk,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        let mut memo = Memo::of(ticket);
        memo.result = Some(picture.clone());
        memo.onto(ticket);
        desk.keep_ticket(ticket)?;
        self.fetch(picture, desk)
    }

    fn follow(
        &self,
        opening: Errand<Socket>,
        known: bool,
        ticket: &mut Ticket,
        desk: &dyn Desk,
    ) -> Result<Verdict, Trouble> {
        let mut names = Names::of(ticket);
        let pace = self.client.endpoint.pace.clone();
        let outputs = self.outputs.clone();
        let mut run = Run::new(names.order.clone(), outputs, known, pace, Instant::now());
        let mut ear = Ear::new(opening);
        let mut looking: Option<Errand<(Option<String>, Look)>> = None;
        loop {
            glance(desk)?;
            if let Some(answer) = looking.as_ref().and_then(|look| look.wait(GLIMPSE)) {
                looking = None;
                match answer {
                    Ok((order, look)) => {
                        if let Some(order) = order.filter(|order| *order != names.order) {
                            let mut memo = Memo::of(ticket);
                            memo.order = Some(order.clone());
                            memo.onto(ticket);
                            desk.keep_ticket(ticket)?;
                            run.is_called(order.clone());
                            names.order = order;
                        }
                        run.on_look(look, Instant::now());
                    }
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
                let (client, names) = (self.client.clone(), names.clone());
                looking = Some(Errand::start(move || client.look(&names)));
            }
            ear.listen(&mut run, desk);
            if ear.wants_socket(self.client.endpoint.pace.reconnect) {
                ear = Ear::new(self.open_socket(ticket));
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
                    return Err(plain::failed(plain::CANNOT, &error.words()));
                }
                Err(error) => last = error,
            }
        }
        Err(plain::away(&last.words()))
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
