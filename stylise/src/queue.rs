//! Whose turn it is: one job of each address in turn, and within an address one of each visitor.

use std::collections::{HashMap, VecDeque};

use crate::job::JobId;

/// For whom a job is made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Owner {
    pub(crate) address: String,
    pub(crate) visitor: String,
}

/// The jobs that wait for one stylist, which does one at a time.
///
/// Addresses stand in a ring (round robin), and the visitors of each address in a ring of their own: a client
/// that comes as many visitors has the turns of one address. An address, or a visitor within it, joins the end of
/// its ring with a first job, and again when one of its jobs is finished: who comes while somebody else is
/// served stands before that one's next job, and nobody who stands in a ring is ever overtaken by more than
/// those who stand there already, however many arrive.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Put back, or found unfinished after a restart: these had their turn.
    first: VecDeque<(JobId, Owner)>,
    ring: VecDeque<String>,
    lines: HashMap<String, Line>,
    serving: Option<Owner>,
}

/// The jobs of one address.
#[derive(Debug, Default)]
struct Line {
    ring: VecDeque<String>,
    jobs: HashMap<String, VecDeque<JobId>>,
}

impl Queue {
    /// A new job, last of its visitor's.
    pub(crate) fn push(&mut self, owner: &Owner, job: JobId) {
        let line = self.lines.entry(owner.address.clone()).or_default();
        let jobs = line.jobs.entry(owner.visitor.clone()).or_default();
        jobs.push_back(job);
        if jobs.len() == 1 && self.serving.as_ref() != Some(owner) {
            line.ring.push_back(owner.visitor.clone());
        }
        let serving = self.serving.as_ref().map(|owner| &owner.address);
        if line.len() == 1 && serving != Some(&owner.address) {
            self.ring.push_back(owner.address.clone());
        }
    }

    /// A job that had its turn before: behind others of its kind, before all the rest.
    pub(crate) fn resume(&mut self, owner: &Owner, job: JobId) {
        self.first.push_back((job, owner.clone()));
    }

    /// The job that was just taken, back to the very front.
    pub(crate) fn put_back(&mut self, owner: &Owner, job: JobId) {
        self.first.push_front((job, owner.clone()));
        self.served();
    }

    /// The next job, which is served until [`Queue::served`].
    pub(crate) fn take(&mut self) -> Option<JobId> {
        self.served();
        if let Some((job, owner)) = self.first.pop_front() {
            self.ring.retain(|other| *other != owner.address);
            if let Some(line) = self.lines.get_mut(&owner.address) {
                line.ring.retain(|other| *other != owner.visitor);
            }
            self.serving = Some(owner);
            return Some(job);
        }
        let address = self.ring.pop_front()?;
        let line = self.lines.get_mut(&address)?;
        let visitor = line.ring.pop_front()?;
        let job = line.jobs.get_mut(&visitor)?.pop_front();
        self.drop_empty();
        self.serving = Some(Owner { address, visitor });
        job
    }

    /// The job that was taken is finished: the next one of its visitor, and of its address, goes to the end.
    pub(crate) fn served(&mut self) {
        let Some(owner) = self.serving.take() else {
            return;
        };
        let Some(line) = self.lines.get_mut(&owner.address) else {
            return;
        };
        if line.jobs.contains_key(&owner.visitor) {
            line.ring.push_back(owner.visitor);
        }
        self.ring.push_back(owner.address);
    }

    /// Takes a job out; whether it was there.
    pub(crate) fn remove(&mut self, job: JobId) -> bool {
        let before = self.len();
        self.first.retain(|(other, _)| *other != job);
        for jobs in self
            .lines
            .values_mut()
            .flat_map(|line| line.jobs.values_mut())
        {
            jobs.retain(|other| *other != job);
        }
        self.drop_empty();
        self.len() < before
    }

    /// How many wait; the one that is served is not counted.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.lines.values().map(Line::len).sum::<usize>()
    }

    /// How many of an address wait.
    pub(crate) fn len_of(&self, address: &str) -> usize {
        let first = self.first.iter();
        first.filter(|(_, owner)| owner.address == address).count()
            + self.lines.get(address).map_or(0, Line::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that wait, in the order in which they will be taken when nobody else comes.
    pub(crate) fn order(&self) -> Vec<JobId> {
        let mut order: Vec<JobId> = self.first.iter().map(|(job, _)| *job).collect();
        // Whoever is served, or stands in `first`, goes to the end of the rings when that job is done.
        let owners = self.serving.iter();
        let owners: Vec<&Owner> = owners
            .chain(self.first.iter().map(|(_, owner)| owner))
            .collect();
        let addresses = rotated(
            &self.ring,
            owners.iter().map(|owner| owner.address.as_str()),
        );
        let lines = addresses.into_iter().filter_map(|address| {
            let moved = owners.iter().filter(|owner| owner.address == address);
            let line = self.lines.get(address)?;
            Some(line.order(moved.map(|owner| owner.visitor.as_str())))
        });
        order.extend(in_turn(lines.collect()));
        order
    }

    /// 1 for the next one.
    pub(crate) fn position(&self, job: JobId) -> Option<usize> {
        let index = self.order().iter().position(|other| *other == job)?;
        Some(index + 1)
    }

    fn drop_empty(&mut self) {
        for line in self.lines.values_mut() {
            line.jobs.retain(|_, jobs| !jobs.is_empty());
            let jobs = &line.jobs;
            line.ring.retain(|visitor| jobs.contains_key(visitor));
        }
        self.lines.retain(|_, line| !line.jobs.is_empty());
        let lines = &self.lines;
        self.ring.retain(|address| lines.contains_key(address));
    }
}

impl Line {
    fn len(&self) -> usize {
        self.jobs.values().map(VecDeque::len).sum()
    }

    /// As [`Queue::order`], once the visitors `moved` went to the end.
    fn order<'a>(&'a self, moved: impl Iterator<Item = &'a str>) -> VecDeque<JobId> {
        let visitors = rotated(&self.ring, moved).into_iter();
        let jobs = visitors.filter_map(|visitor| self.jobs.get(visitor).cloned());
        in_turn(jobs.collect()).into()
    }
}

/// The ring after each of `moved` went to its end, one after the other; names may be in it that have no jobs.
fn rotated<'a>(ring: &'a VecDeque<String>, moved: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = ring.iter().map(String::as_str).collect();
    for name in moved {
        names.retain(|other| *other != name);
        names.push(name);
    }
    names
}

/// One of each line in turn.
fn in_turn(mut lines: VecDeque<VecDeque<JobId>>) -> Vec<JobId> {
    let mut order = Vec::new();
    while let Some(mut line) = lines.pop_front() {
        if let Some(job) = line.pop_front() {
            order.push(job);
            lines.push_back(line);
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A visitor who is alone at an address.
    fn owner(visitor: &str) -> Owner {
        at(visitor, visitor)
    }

    fn at(address: &str, visitor: &str) -> Owner {
        Owner {
            address: address.to_owned(),
            visitor: visitor.to_owned(),
        }
    }

    fn push(queue: &mut Queue, visitor: &str) -> JobId {
        push_at(queue, visitor, visitor)
    }

    fn push_at(queue: &mut Queue, address: &str, visitor: &str) -> JobId {
        let job = JobId::random();
        queue.push(&at(address, visitor), job);
        job
    }

    #[test]
    fn visitors_take_turns_and_each_ones_jobs_keep_their_order() {
        let mut queue = Queue::default();
        let a = [0; 3].map(|_| push(&mut queue, "a"));
        let b = [0; 2].map(|_| push(&mut queue, "b"));
        let c = push(&mut queue, "c");
        let wanted = vec![a[0], b[0], c, a[1], b[1], a[2]];
        assert_eq!(queue.order(), wanted);
        assert_eq!(queue.position(a[1]), Some(4));
        let taken: Vec<JobId> = std::iter::from_fn(|| queue.take()).collect();
        assert_eq!(taken, wanted, "what was promised is what happens");
        assert!(queue.is_empty());
    }

    #[test]
    fn who_comes_during_somebodys_job_is_before_that_ones_next() {
        let mut queue = Queue::default();
        let a = [0; 3].map(|_| push(&mut queue, "a"));
        assert_eq!(queue.take(), Some(a[0]));
        let b = push(&mut queue, "b");
        assert_eq!(queue.order(), [b, a[1], a[2]]);
        queue.served();
        let c = push(&mut queue, "c");
        assert_eq!(queue.order(), [b, a[1], c, a[2]]);
    }

    #[test]
    fn an_endless_stream_of_new_visitors_starves_nobody() {
        let mut queue = Queue::default();
        let a = [0; 3].map(|_| push(&mut queue, "a"));
        let mut waited = 0;
        for number in 0.. {
            push(&mut queue, &format!("n{number}"));
            let taken = queue.take();
            push(&mut queue, &format!("m{number}"));
            waited += 1;
            if taken == Some(a[2]) {
                break;
            }
            assert!(waited < 40, "the third job of a waits for ever");
        }
    }

    #[test]
    fn many_visitors_of_one_address_have_the_turns_of_one_address() {
        let mut queue = Queue::default();
        let hall = ["a", "b", "c", "a"].map(|visitor| push_at(&mut queue, "hall", visitor));
        let [first, second] = [0; 2].map(|_| push_at(&mut queue, "home", "d"));
        let wanted = [hall[0], first, hall[1], second, hall[2], hall[3]];
        assert_eq!(queue.order(), wanted);
        assert_eq!((queue.len_of("hall"), queue.len_of("home")), (4, 2));
        assert_eq!(queue.take(), Some(hall[0]));
        assert_eq!((queue.len_of("hall"), queue.len_of("nobody")), (3, 0));
        // Who comes now stands before the next job of the address that is served.
        let third = push_at(&mut queue, "street", "e");
        assert_eq!(queue.order()[..3], [first, third, hall[1]]);
    }

    #[test]
    fn what_is_put_back_is_first_and_costs_no_other_turn() {
        let mut queue = Queue::default();
        let a = [0; 2].map(|_| push(&mut queue, "a"));
        let b = push(&mut queue, "b");
        assert_eq!(queue.take(), Some(a[0]));
        queue.put_back(&owner("a"), a[0]);
        assert_eq!(queue.order(), [a[0], b, a[1]]);
        assert_eq!(queue.take(), Some(a[0]));
        assert_eq!(queue.take(), Some(b));
        assert_eq!(queue.take(), Some(a[1]));
    }

    #[test]
    fn after_a_restart_those_that_were_sent_come_first() {
        let mut queue = Queue::default();
        let new = push(&mut queue, "a");
        let sent = JobId::random();
        queue.resume(&owner("b"), sent);
        assert_eq!(queue.order(), [sent, new]);
        assert_eq!(queue.take(), Some(sent));
    }

    #[test]
    fn what_is_taken_out_leaves_no_gap() {
        let mut queue = Queue::default();
        let a = push(&mut queue, "a");
        let b = push(&mut queue, "b");
        assert!(queue.remove(a));
        assert!(!queue.remove(a));
        assert_eq!(queue.position(b), Some(1));
        let again = push(&mut queue, "a");
        assert_eq!(queue.order(), [b, again]);
        assert_eq!(
            (queue.take(), queue.take(), queue.take()),
            (Some(b), Some(again), None)
        );
    }

    #[test]
    fn the_order_that_is_told_is_the_order_that_happens_whatever_was_done_before() {
        // A small linear congruential generator: the same sequence each time.
        let mut seed = 7_u64;
        let mut dice = move |sides: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % sides
        };
        for _ in 0..200 {
            let mut queue = Queue::default();
            let mut taken = None;
            for _ in 0..dice(30) {
                let visitor = at(&format!("a{}", dice(3)), &format!("v{}", dice(3)));
                match dice(6) {
                    0 => taken = queue.take().map(|job| (visitor, job)),
                    1 => queue.served(),
                    2 => queue.resume(&visitor, JobId::random()),
                    3 => {
                        if let Some(job) = queue.order().first().copied() {
                            queue.remove(job);
                        }
                    }
                    4 => {
                        if let Some((visitor, job)) = taken.take() {
                            queue.put_back(&visitor, job);
                        }
                    }
                    _ => queue.push(&visitor, JobId::random()),
                }
            }
            let told = queue.order();
            assert_eq!(told.len(), queue.len());
            let happened: Vec<JobId> = std::iter::from_fn(|| queue.take()).collect();
            assert_eq!(told, happened);
        }
    }
}
