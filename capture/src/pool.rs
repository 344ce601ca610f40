//! Pictures are reused: at 720p30 fresh allocations would fault in 40 MB of pages a second.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

use crate::picture::{I420, PictureError};

/// Hands out pictures and takes them back when they are dropped. Cheap to clone.
#[derive(Debug, Clone)]
pub struct PicturePool {
    shelf: Arc<Shelf>,
}

#[derive(Debug)]
struct Shelf {
    idle: Mutex<Vec<I420>>,
    keep: usize,
}

impl PicturePool {
    /// A pool that keeps at most `keep` idle pictures; more are freed on return.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        Self {
            shelf: Arc::new(Shelf {
                idle: Mutex::new(Vec::with_capacity(keep)),
                keep,
            }),
        }
    }

    /// A picture of this size with unspecified contents.
    pub fn take(&self, width: u32, height: u32) -> Result<PooledPicture, PictureError> {
        let idle = self
            .shelf
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let picture = match idle {
            Some(mut picture) => {
                picture.reshape(width, height)?;
                picture
            }
            None => I420::black(width, height)?,
        };
        Ok(PooledPicture {
            picture: Some(picture),
            shelf: Arc::clone(&self.shelf),
        })
    }

    /// A copy of `source`.
    #[must_use]
    pub fn copy_of(&self, source: &I420) -> PooledPicture {
        let idle = self
            .shelf
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let picture = match idle {
            Some(mut picture) => {
                picture.copy_from(source);
                picture
            }
            None => source.clone(),
        };
        PooledPicture {
            picture: Some(picture),
            shelf: Arc::clone(&self.shelf),
        }
    }

    /// How many pictures lie idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.shelf
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }
}

/// A picture that goes back to its pool when dropped.
#[derive(Debug)]
pub struct PooledPicture {
    /// `None` only while dropping.
    picture: Option<I420>,
    shelf: Arc<Shelf>,
}

impl Deref for PooledPicture {
    type Target = I420;

    fn deref(&self) -> &I420 {
        self.picture.as_ref().expect("present until drop")
    }
}

impl DerefMut for PooledPicture {
    fn deref_mut(&mut self) -> &mut I420 {
        self.picture.as_mut().expect("present until drop")
    }
}

impl Drop for PooledPicture {
    fn drop(&mut self) {
        let Some(picture) = self.picture.take() else {
            return;
        };
        let mut idle = self
            .shelf
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.shelf.keep {
            idle.push(picture);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_picture_is_handed_out_again() {
        let pool = PicturePool::new(1);
        let first = pool.take(4, 4).expect("even");
        let second = pool.take(4, 4).expect("even");
        drop(first);
        drop(second);
        assert_eq!(
            pool.idle(),
            1,
            "the second return is over the bound and freed"
        );
        let again = pool.take(8, 2).expect("even");
        assert_eq!((again.width(), again.data().len()), (8, 24));
        assert_eq!(pool.idle(), 0);
    }
}
