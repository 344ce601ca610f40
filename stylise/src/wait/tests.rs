//! Waits that are told, against those that happen, on a virtual clock.

use super::*;

fn seconds(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

/// A server as it really is: models to load, steps, and a rest.
#[derive(Clone, Copy)]
struct Real {
    recipe: &'static str,
    load_s: f64,
    step_s: f64,
    steps: u32,
    rest_s: f64,
}

const FLUX: Real = Real {
    recipe: "flux",
    load_s: 35.0,
    step_s: 2.5,
    steps: 4,
    rest_s: 1.5,
};
const TURBO: Real = Real {
    recipe: "turbo",
    load_s: 9.0,
    step_s: 0.4,
    steps: 4,
    rest_s: 0.5,
};

impl Real {
    fn warm_s(&self) -> f64 {
        self.step_s * f64::from(self.steps) + self.rest_s
    }

    /// What its visitor's page knows of it after so long, its loading included.
    fn standing(&self, began: Instant, load_s: f64, after_s: f64) -> Standing<'static> {
        let mut steps = None;
        for step in 1..=self.steps {
            let at_s = load_s + self.step_s * f64::from(step);
            if at_s <= after_s {
                steps = Some(Steps::counted(
                    steps,
                    step,
                    self.steps,
                    began + seconds(at_s),
                ));
            }
        }
        Standing {
            recipe: self.recipe,
            ahead: 0,
            since: Some(began),
            steps,
        }
    }
}

/// Plays the jobs one after another. Whenever a job has done half its steps, the waits that are told to
/// it and to all behind it are compared with what happens then.
fn play(wait: &mut Wait, jobs: &[Real]) -> Vec<(usize, usize, f64, f64)> {
    let mut now = Instant::now();
    let mut loaded = None;
    let mut compared = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        let load_s = if loaded == Some(job.recipe) {
            0.0
        } else {
            job.load_s
        };
        let whole_s = load_s + job.warm_s();
        let half_s = load_s + job.step_s * f64::from(job.steps / 2) + 0.01;
        let current = job.standing(now, load_s, half_s);
        let mut real_s = whole_s - half_s;
        let mut before = job.recipe;
        for behind in at..jobs.len() {
            if behind > at {
                let next = jobs[behind];
                real_s += next.warm_s()
                    + if next.recipe == before {
                        0.0
                    } else {
                        next.load_s
                    };
                before = next.recipe;
            }
            let queue = jobs[at + 1..=behind].iter().map(|job| job.recipe);
            let told = wait.queued(queue, Some(current), now + seconds(half_s));
            let told_s = told.expect("nobody else uses the server").as_secs_f64();
            compared.push((at, behind, told_s, real_s));
        }
        now += seconds(whole_s);
        wait.note(job.standing(began_at(now, whole_s), load_s, whole_s), now);
        loaded = Some(job.recipe);
    }
    compared
}

fn began_at(now: Instant, whole_s: f64) -> Instant {
    now - seconds(whole_s)
}

#[test]
fn the_first_ten_visitors_of_a_fresh_booth_are_told_the_truth() {
    let mut wait = Wait::of(MadeBy::Comfyui);
    for (at, behind, told_s, real_s) in play(&mut wait, &[FLUX; 10]) {
        let off = (told_s - real_s).abs() / real_s;
        assert!(
            off <= 0.3,
            "visitor {behind} during job {at}: told {told_s:.0} s, real {real_s:.0} s"
        );
    }
}

#[test]
fn each_workflow_has_its_own_time_and_a_change_costs_the_loading() {
    let mut wait = Wait::of(MadeBy::Comfyui);
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
fn without_steps_the_first_finished_job_is_believed_at_once() {
    let mut wait = Wait::of(MadeBy::Comfyui);
    let now = Instant::now();
    let job = |since| Standing {
        recipe: "a",
        ahead: 0,
        since: Some(since),
        steps: None,
    };
    assert_eq!(
        wait.queued(["a", "a"], None, now),
        Some(seconds(40.0)),
        "a guess"
    );
    let late = now + seconds(60.0);
    assert_eq!(
        wait.remaining(job(now), late),
        Some(seconds(15.0)),
        "it takes longer"
    );
    assert_eq!(
        wait.queued(["a"], Some(job(now)), late),
        Some(seconds(90.0)),
        "and so do those behind"
    );
    wait.note(job(now), now + seconds(4.0));
    assert_eq!(wait.queued(["a", "a", "a"], None, now), Some(seconds(12.0)));
    assert_eq!(
        wait.queued(["b"], None, now),
        Some(seconds(20.0)),
        "of another nobody knows"
    );
    for _ in 0..20 {
        wait.note(job(now), now + seconds(5.0));
    }
    let told = wait.queued(["a"], None, now).expect("known").as_secs_f64();
    assert!((told - 5.0).abs() < 0.1, "{told}");
}

#[test]
fn a_job_that_takes_longer_than_ever_is_about_to_be_finished() {
    let mut wait = Wait::of(MadeBy::Comfyui);
    let start = Instant::now();
    let job = Standing {
        recipe: "a",
        ahead: 0,
        since: Some(start),
        steps: None,
    };
    wait.note(job, start + seconds(20.0));
    assert_eq!(
        wait.remaining(job, start + seconds(15.0)),
        Some(seconds(5.0))
    );
    assert_eq!(
        wait.remaining(job, start + seconds(500.0)),
        Some(seconds(2.0))
    );
    assert_eq!(wait.room(Some(job), start + seconds(500.0)), seconds(2.0));
}

#[test]
fn behind_orders_of_others_nobody_can_tell() {
    let wait = Wait::of(MadeBy::Comfyui);
    let now = Instant::now();
    let current = Standing {
        recipe: "a",
        ahead: 2,
        since: None,
        steps: None,
    };
    assert_eq!(wait.remaining(current, now), None);
    assert_eq!(wait.queued(["a"], Some(current), now), None);
    assert_eq!(wait.room(Some(current), now), UNKNOWN);
}

#[test]
fn a_second_count_begins_anew() {
    let now = Instant::now();
    let at = |s: f64| now + seconds(s);
    let steps = Steps::counted(None, 1, 4, at(1.0));
    let steps = Steps::counted(Some(steps), 3, 4, at(5.0));
    assert_eq!(steps.step_s(), Some(2.0));
    assert_eq!(
        Steps::counted(Some(steps), 3, 4, at(9.0)),
        steps,
        "nothing new"
    );
    let again = Steps::counted(Some(steps), 1, 20, at(9.0));
    assert_eq!((again.step_s(), again.first), (None, (1, at(9.0))));
}
