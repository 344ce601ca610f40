//! Pictures in the one pixel format that all stages use (planar I420, 8 bit, BT.601 limited range), and
//! the pool that reuses their memory.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard};

use thiserror::Error;

use crate::lock::lock;

/// A size that no [`I420`] can have.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PictureError {
    /// A side is odd or zero, so that it cannot have 4:2:0 chroma.
    #[error("{width}x{height} is no I420 size: both sides must be even and at least 2")]
    OddSize { width: u32, height: u32 },
    /// More than [`I420::MAX_SIDE_PX`] on a side.
    #[error("{width}x{height} is larger than {max} pixels on a side", max = I420::MAX_SIDE_PX)]
    TooLarge { width: u32, height: u32 },
}

/// A picture: Y, then U, then V, each plane tight (its stride is its width).
///
/// Width and height are even and at most [`I420::MAX_SIDE_PX`]; chroma planes are half as wide and
/// half as high.
#[derive(Clone, PartialEq, Eq)]
pub struct I420 {
    width: u32,
    height: u32,
    data: Vec<u8>,
}

/// The three planes, read-only. Strides: `width`, `width / 2`, `width / 2`.
#[derive(Debug, Clone, Copy)]
pub struct Planes<'a> {
    /// Luma, 16..=235.
    pub y: &'a [u8],
    /// Blue difference, 16..=240, 128 is grey.
    pub u: &'a [u8],
    /// Red difference, 16..=240, 128 is grey.
    pub v: &'a [u8],
}

/// The three planes, writable. Strides as in [`Planes`].
#[derive(Debug)]
pub struct PlanesMut<'a> {
    pub y: &'a mut [u8],
    pub u: &'a mut [u8],
    pub v: &'a mut [u8],
}

impl I420 {
    /// The longest side in pixels, enough for 8K. Bounds the memory that a wrong header can request.
    pub const MAX_SIDE_PX: u32 = 8192;

    pub fn black(width: u32, height: u32) -> Result<Self, PictureError> {
        let mut picture = Self::empty();
        picture.reshape(width, height)?;
        picture.fill(16, 128, 128);
        Ok(picture)
    }

    /// Has no size yet and no memory.
    fn empty() -> Self {
        Self {
            width: 0,
            height: 0,
            data: Vec::new(),
        }
    }

    /// Changes the size and keeps the memory. The contents are unspecified afterwards.
    pub fn reshape(&mut self, width: u32, height: u32) -> Result<(), PictureError> {
        if width < 2 || height < 2 || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
            return Err(PictureError::OddSize { width, height });
        }
        if width > Self::MAX_SIDE_PX || height > Self::MAX_SIDE_PX {
            return Err(PictureError::TooLarge { width, height });
        }
        let luma = width as usize * height as usize;
        self.data.resize(luma + luma / 2, 0);
        (self.width, self.height) = (width, height);
        Ok(())
    }

    /// Width in pixels, even.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, even.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All three planes: Y, then U, then V.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All three planes, writable.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    #[must_use]
    pub fn planes(&self) -> Planes<'_> {
        let (y, chroma) = self.data.split_at(self.luma_len());
        let (u, v) = chroma.split_at(chroma.len() / 2);
        Planes { y, u, v }
    }

    pub fn planes_mut(&mut self) -> PlanesMut<'_> {
        let luma = self.luma_len();
        let (y, chroma) = self.data.split_at_mut(luma);
        let half = chroma.len() / 2;
        let (u, v) = chroma.split_at_mut(half);
        PlanesMut { y, u, v }
    }

    pub fn fill(&mut self, y: u8, u: u8, v: u8) {
        let planes = self.planes_mut();
        planes.y.fill(y);
        planes.u.fill(u);
        planes.v.fill(v);
    }

    /// Copies size and pixels of `other` and keeps this picture's memory.
    pub fn copy_from(&mut self, other: &Self) {
        (self.width, self.height) = (other.width, other.height);
        self.data.clear();
        self.data.extend_from_slice(&other.data);
    }

    fn luma_len(&self) -> usize {
        self.width as usize * self.height as usize
    }
}

impl std::fmt::Debug for I420 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "I420({}x{})", self.width, self.height)
    }
}

/// A pool of pictures. A picture returns to it when it is dropped. Clones share the same pool.
///
/// Without reuse, 720p30 would page-fault 40 MB a second of fresh allocations.
#[derive(Debug, Clone)]
pub struct PicturePool {
    shared: Arc<SharedPool>,
}

#[derive(Debug)]
struct SharedPool {
    idle: Mutex<Vec<I420>>,
    keep: usize,
}

impl SharedPool {
    fn idle(&self) -> MutexGuard<'_, Vec<I420>> {
        lock(&self.idle)
    }
}

impl PicturePool {
    /// A pool that keeps at most `keep` idle pictures and frees the others.
    #[must_use]
    pub fn new(keep: usize) -> Self {
        let idle = Mutex::new(Vec::with_capacity(keep));
        Self {
            shared: Arc::new(SharedPool { idle, keep }),
        }
    }

    /// A picture of this size with unspecified contents.
    pub fn take(&self, width: u32, height: u32) -> Result<PooledPicture, PictureError> {
        let mut picture = self.shared.idle().pop().unwrap_or_else(I420::empty);
        picture.reshape(width, height)?;
        Ok(self.pooled(picture))
    }

    /// A copy of `source`.
    #[must_use]
    pub fn copy_of(&self, source: &I420) -> PooledPicture {
        let mut picture = self.shared.idle().pop().unwrap_or_else(I420::empty);
        picture.copy_from(source);
        self.pooled(picture)
    }

    /// How many pictures are idle.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.shared.idle().len()
    }

    fn pooled(&self, picture: I420) -> PooledPicture {
        PooledPicture {
            picture: Some(picture),
            shared: Arc::clone(&self.shared),
        }
    }
}

/// A picture that returns to its pool when it is dropped.
#[derive(Debug)]
pub struct PooledPicture {
    /// `None` only while dropping.
    picture: Option<I420>,
    shared: Arc<SharedPool>,
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
        let mut idle = self.shared.idle();
        if idle.len() < self.shared.keep {
            idle.push(picture);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_cover_the_data_without_overlap() {
        let mut picture = I420::black(6, 4).expect("even");
        let planes = picture.planes_mut();
        assert_eq!((planes.y.len(), planes.u.len(), planes.v.len()), (24, 6, 6));
        planes.v.fill(9);
        assert_eq!(&picture.data()[30..], [9; 6]);
    }

    #[test]
    fn odd_and_huge_sizes_are_refused_by_name() {
        assert_eq!(
            I420::black(3, 2).unwrap_err(),
            PictureError::OddSize {
                width: 3,
                height: 2
            }
        );
        let huge = I420::black(8194, 2).unwrap_err();
        assert!(huge.to_string().contains("8194x2"), "{huge}");
    }

    #[test]
    fn a_dropped_picture_is_reused() {
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
