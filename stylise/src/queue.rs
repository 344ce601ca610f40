//! Whose turn it is: one job of each visitor in turn.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::job::JobId;

/// The jobs that wait for one stylist, which does one at a time.
///
/// Visitors stand in a ring (round robin). One joins its end with a first job, and again when one of the
/// visitor's jobs is finished: who comes while somebody else is served stands before that one's next job, and
/// nobody who stands in the ring is ever overtaken by more than those who stand there already, however
/// many visitors arrive.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// Put back, or found unfinished after a restart: these had their turn.
    first: VecDeque<(JobId, String)>,
    ring: VecDeque<String>,
    lines: HashMap<String, VecDeque<JobId>>,
    serving: Option<String>,
}

impl Queue {
    /// A new job, last of its visitor's.
    pub(crate) fn push(&mut self, visitor: &str, job: JobId) {
        let line = self.lines.entry(visitor.to_owned()).or_default();
        line.push_back(job);
        if line.len() == 1 && self.serving.as_deref() != Some(visitor) {
            self.ring.push_back(visitor.to_owned());
        }
    }

    /// A job that had its turn before: behind others of its kind, before all the rest.
    pub(crate) fn resume(&mut self, visitor: &str, job: JobId) {
        self.first.push_back((job, visitor.to_owned()));
    }

    /// The job that was just taken, back to the very front.
    pub(crate) fn put_back(&mut self, visitor: &str, job: JobId) {
        self.first.push_front((job, visitor.to_owned()));
        self.served();
    }

    /// The next job, which is served until [`Queue::served`].
    pub(crate) fn take(&mut self) -> Option<JobId> {
        self.served();
        if let Some((job, visitor)) = self.first.pop_front() {
            self.ring.retain(|other| *other != visitor);
            self.serving = Some(visitor);
            return Some(job);
        }
        let visitor = self.ring.pop_front()?;
        let job = self.lines.get_mut(&visitor)?.pop_front();
        self.drop_empty(&visitor);
        self.serving = Some(visitor);
        job
    }

    /// The job that was taken is finished: its visitor's next one goes to the end.
    pub(crate) fn served(&mut self) {
        if let Some(visitor) = self.serving.take()
            && self.lines.contains_key(&visitor)
        {
            self.ring.push_back(visitor);
        }
    }

    /// Takes a job out; whether it was there.
    pub(crate) fn remove(&mut self, job: JobId) -> bool {
        let before = self.len();
        self.first.retain(|(other, _)| *other != job);
        for line in self.lines.values_mut() {
            line.retain(|other| *other != job);
        }
        self.lines.retain(|_, line| !line.is_empty());
        let lines = &self.lines;
        self.ring.retain(|visitor| lines.contains_key(visitor));
        self.len() < before
    }

    /// How many wait; the one that is served is not counted.
    pub(crate) fn len(&self) -> usize {
        self.first.len() + self.lines.values().map(VecDeque::len).sum::<usize>()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that wait, in the order in which they will be taken when nobody else comes.
    pub(crate) fn order(&self) -> Vec<JobId> {
        let mut order: Vec<JobId> = self.first.iter().map(|(job, _)| *job).collect();
        // Whoever stands in `first` goes to the end of the ring when that job is done.
        let mut moved: Vec<&str> = Vec::new();
        if let Some(visitor) = &self.serving {
            moved.push(visitor);
        }
        for (_, visitor) in &self.first {
            moved.retain(|other| *other != visitor.as_str());
            moved.push(visitor);
        }
        let waiting: HashSet<&str> = moved.iter().copied().collect();
        let mut ring: VecDeque<(&str, usize)> = self
            .ring
            .iter()
            .map(String::as_str)
            .filter(|visitor| !waiting.contains(visitor))
            .chain(moved)
            .map(|visitor| (visitor, 0))
            .collect();
        while let Some((visitor, taken)) = ring.pop_front() {
            if let Some(job) = self.lines.get(visitor).and_then(|line| line.get(taken)) {
                order.push(*job);
                ring.push_back((visitor, taken + 1));
            }
        }
        order
    }

    /// 1 for the next one.
    pub(crate) fn position(&self, job: JobId) -> Option<usize> {
        let index = self.order().iter().position(|other| *other == job)?;
        Some(index + 1)
    }

    fn drop_empty(&mut self, visitor: &str) {
        if self.lines.get(visitor).is_some_and(VecDeque::is_empty) {
            self.lines.remove(visitor);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut Queue, visitor: &str) -> JobId {
        let job = JobId::random();
        queue.push(visitor, job);
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
    fn what_is_put_back_is_first_and_costs_no_other_turn() {
        let mut queue = Queue::default();
        let a = [0; 2].map(|_| push(&mut queue, "a"));
        let b = push(&mut queue, "b");
        assert_eq!(queue.take(), Some(a[0]));
        queue.put_back("a", a[0]);
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
        queue.resume("b", sent);
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
                let visitor = format!("v{}", dice(4));
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
                    _ => drop(push(&mut queue, &visitor)),
                }
            }
            let told = queue.order();
            assert_eq!(told.len(), queue.len());
            let happened: Vec<JobId> = std::iter::from_fn(|| queue.take()).collect();
            assert_eq!(told, happened);
        }
    }
}
