//! Compares estimates with simulated jobs on a virtual clock.

use crate::jobs::estimate::*;

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// A simulated workload: loading, steps, and the time after the last step.
#[derive(Clone, Copy)]
struct Real {
    workload: &'static str,
    load_s: f64,
    step_s: f64,
    steps: u32,
    rest_s: f64,
}

const FLUX: Real = Real {
    workload: "flux",
    load_s: 35.0,
    step_s: 2.5,
    steps: 4,
    rest_s: 1.5,
};
const TURBO: Real = Real {
    workload: "turbo",
    load_s: 9.0,
    step_s: 0.4,
    steps: 4,
    rest_s: 0.5,
};

impl Real {
    fn warm_s(&self) -> f64 {
        self.step_s * f64::from(self.steps) + self.rest_s
    }

    /// The timing that the booth knows `after_s` after the start.
    fn timing(&self, began: Instant, load_s: f64, after_s: f64) -> JobTiming<'static> {
        let mut steps = None;
        for step in 1..=self.steps {
            let at_s = load_s + self.step_s * f64::from(step);
            if at_s <= after_s {
                steps = Some(StepCount::updated(
                    steps,
                    step,
                    self.steps,
                    began + seconds(at_s),
                ));
            }
        }
        JobTiming {
            workload: self.workload,
            ahead: 0,
            since: Some(began),
            steps,
        }
    }
}

/// Simulates jobs in sequence. At half of each job's steps, compares the estimates for it and all behind it
/// with the real times.
fn play(wait: &mut WaitEstimator, jobs: &[Real]) -> Vec<(usize, usize, f64, f64)> {
    let mut now = Instant::now();
    let mut loaded = None;
    let mut compared = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        let load_s = if loaded == Some(job.workload) {
            0.0
        } else {
            job.load_s
        };
        let whole_s = load_s + job.warm_s();
        let half_s = load_s + job.step_s * f64::from(job.steps / 2) + 0.01;
        let current = job.timing(now, load_s, half_s);
        let mut real_s = whole_s - half_s;
        let mut before = job.workload;
        for behind in at..jobs.len() {
            if behind > at {
                let next = jobs[behind];
                real_s += next.warm_s()
                    + if next.workload == before {
                        0.0
                    } else {
                        next.load_s
                    };
                before = next.workload;
            }
            let queue = jobs[at + 1..=behind].iter().map(|job| job.workload);
            let told = wait.queued(queue, Some(current), now + seconds(half_s));
            let told_s = told.expect("nobody else uses the server").as_secs_f64();
            compared.push((at, behind, told_s, real_s));
        }
        now += seconds(whole_s);
        wait.record(job.timing(began_at(now, whole_s), load_s, whole_s), now);
        loaded = Some(job.workload);
    }
    compared
}

fn began_at(now: Instant, whole_s: f64) -> Instant {
    now - seconds(whole_s)
}

#[test]
fn estimates_are_within_30_percent_from_the_first_job_on() {
    let mut wait = WaitEstimator::new(MadeBy::Comfyui);
    for (at, behind, told_s, real_s) in play(&mut wait, &[FLUX; 10]) {
        let off = (told_s - real_s).abs() / real_s;
        assert!(
            off <= 0.3,
            "visitor {behind} during job {at}: told {told_s:.0} s, real {real_s:.0} s"
        );
    }
}

#[test]
fn each_workload_has_its_own_duration_and_a_change_adds_loading() {
    let mut wait = WaitEstimator::new(MadeBy::Comfyui);
    let jobs = [
        TURBO, TURBO, FLUX, FLUX, TURBO, FLUX, TURBO, TURBO, TURBO, FLUX,
    ];
    play(&mut wait, &jobs);
    for (at, behind, told_s, real_s) in play(&mut wait, &jobs[1..]) {
        let off = (told_s - real_s).abs() / real_s;
        assert!(
            off <= 0.3,
            "{behind} during {at}: told {told_s:.0} s, real {real_s:.0} s"
        );
    }
}

#[test]
fn without_steps_the_first_finished_job_sets_the_estimate() {
    let mut wait = WaitEstimator::new(MadeBy::Comfyui);
    let now = Instant::now();
    let job = |since| JobTiming {
        workload: "a",
        ahead: 0,
        since: Some(since),
        steps: None,
    };
    assert_eq!(
        wait.queued(["a", "a"], None, now),
        Some(seconds(40.0)),
        "the initial guess"
    );
    let late = now + seconds(60.0);
    assert_eq!(
        wait.remaining(job(now), late),
        Some(seconds(15.0)),
        "it takes longer than guessed"
    );
    assert_eq!(
        wait.queued(["a"], Some(job(now)), late),
        Some(seconds(90.0)),
        "jobs behind it wait longer too"
    );
    wait.record(job(now), now + seconds(4.0));
    assert_eq!(wait.queued(["a", "a", "a"], None, now), Some(seconds(12.0)));
    assert_eq!(
        wait.queued(["b"], None, now),
        Some(seconds(20.0)),
        "another workload has the initial guess"
    );
    for _ in 0..20 {
        wait.record(job(now), now + seconds(5.0));
    }
    let told = wait.queued(["a"], None, now).expect("known").as_secs_f64();
    assert!((told - 5.0).abs() < 0.1, "{told}");
}

#[test]
fn an_overdue_job_has_a_tenth_of_its_duration_left() {
    let mut wait = WaitEstimator::new(MadeBy::Comfyui);
    let start = Instant::now();
    let job = JobTiming {
        workload: "a",
        ahead: 0,
        since: Some(start),
        steps: None,
    };
    wait.record(job, start + seconds(20.0));
    assert_eq!(
        wait.remaining(job, start + seconds(15.0)),
        Some(seconds(5.0))
    );
    assert_eq!(
        wait.remaining(job, start + seconds(500.0)),
        Some(seconds(2.0))
    );
    assert_eq!(
        wait.until_room(Some(job), start + seconds(500.0)),
        seconds(2.0)
    );
}

#[test]
fn behind_other_orders_there_is_no_estimate() {
    let wait = WaitEstimator::new(MadeBy::Comfyui);
    let now = Instant::now();
    let current = JobTiming {
        workload: "a",
        ahead: 2,
        since: None,
        steps: None,
    };
    assert_eq!(wait.remaining(current, now), None);
    assert_eq!(wait.queued(["a"], Some(current), now), None);
    assert_eq!(wait.until_room(Some(current), now), DEFAULT_RETRY_AFTER);
}

#[test]
fn a_second_step_count_restarts_the_counter() {
    let now = Instant::now();
    let at = |s: f64| now + seconds(s);
    let steps = StepCount::updated(None, 1, 4, at(1.0));
    let steps = StepCount::updated(Some(steps), 3, 4, at(5.0));
    assert_eq!(steps.step_s(), Some(2.0));
    assert_eq!(
        StepCount::updated(Some(steps), 3, 4, at(9.0)),
        steps,
        "the same step changes nothing"
    );
    let again = StepCount::updated(Some(steps), 1, 20, at(9.0));
    assert_eq!((again.step_s(), again.first), (None, (1, at(9.0))));
}
