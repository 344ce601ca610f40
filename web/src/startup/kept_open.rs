//! Keeps something open between two uses that are close to each other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

/// Something that is opened for its first use, and closed when it was not used for a while.
pub(super) struct KeptOpen<T, Open> {
    open: Open,
    idle_max: Duration,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    value: Option<T>,
    used_at: Instant,
    /// Whether a thread waits to close it.
    is_watched: bool,
}

impl<T, Open> KeptOpen<T, Open>
where
    T: Send + 'static,
    Open: Fn() -> anyhow::Result<T> + Send + Sync + 'static,
{
    pub(super) fn new(open: Open, idle_max: Duration) -> Self {
        Self {
            open,
            idle_max,
            kept: Mutex::new(Kept {
                value: None,
                used_at: Instant::now(),
                is_watched: false,
            }),
        }
    }

    /// One caller after another. What fails or panics is closed, and opened again for the next caller.
    pub(super) fn with<R>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut T) -> anyhow::Result<R>,
    ) -> anyhow::Result<R> {
        let mut kept = self.lock();
        let mut value = kept.value.take();
        let done = catch_unwind(AssertUnwindSafe(|| {
            let value = match &mut value {
                Some(value) => value,
                None => value.insert((self.open)()?),
            };
            work(value)
        }));
        let done = done.unwrap_or_else(|_| Err(anyhow!("its code panicked")));
        kept.used_at = Instant::now();
        if done.is_ok() {
            kept.value = value;
            self.watch(&mut kept);
        }
        done
    }

    /// Starts the thread that closes it. Without one it is closed at once.
    fn watch(self: &Arc<Self>, kept: &mut Kept<T>) {
        if kept.is_watched {
            return;
        }
        let own = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("carrier-idle".to_owned())
            .spawn(move || own.close_when_idle());
        kept.is_watched = spawned.is_ok();
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread could be started: what was opened is closed at once");
            kept.value = None;
        }
    }

    fn close_when_idle(&self) {
        loop {
            let mut kept = self.lock();
            let left = self.idle_max.saturating_sub(kept.used_at.elapsed());
            if left.is_zero() {
                kept.value = None;
                kept.is_watched = false;
                return;
            }
            drop(kept);
            thread::sleep(left);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    type Counted<Open> = (Arc<AtomicUsize>, Arc<KeptOpen<usize, Open>>);

    fn counted(idle_max: Duration) -> Counted<impl Fn() -> anyhow::Result<usize> + Send + Sync> {
        let opened = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&opened);
        let open = move || Ok(count.fetch_add(1, Ordering::SeqCst));
        (opened, Arc::new(KeptOpen::new(open, idle_max)))
    }

    #[test]
    fn it_is_opened_once_while_it_is_used_and_again_after_a_failure() {
        let (opened, kept) = counted(Duration::from_hours(1));
        assert!((0..3).all(|_| kept.with(|value| Ok(*value)).is_ok_and(|value| value == 0)));
        assert!(kept.with(|_| Err::<(), _>(anyhow!("broken"))).is_err());
        assert_eq!(kept.with(|value| Ok(*value)).expect("open again"), 1);
        let panicked = kept.with(|_| -> anyhow::Result<()> { panic!("ouch") });
        assert!(panicked.is_err_and(|error| error.to_string().contains("panicked")));
        assert_eq!(kept.with(|value| Ok(*value)).expect("open again"), 2);
        assert_eq!(opened.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn it_is_closed_after_a_while_without_use() {
        let (opened, kept) = counted(Duration::from_millis(20));
        kept.with(|_| Ok(())).expect("open");
        let until = Instant::now() + Duration::from_secs(60);
        while kept.lock().value.is_some() || kept.lock().is_watched {
            assert!(Instant::now() < until, "still open");
            thread::sleep(Duration::from_millis(5));
        }
        kept.with(|_| Ok(())).expect("open again");
        assert_eq!(opened.load(Ordering::SeqCst), 2);
    }
}
