//! The inner loops of preprocessing with AVX2, where the processor has it, and the same without.
#![allow(unsafe_code)]

use super::colour::convert_row;

/// The positions of a row's output pixels between two input pixels.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// The left one.
    first: Vec<i32>,
    /// The weights of the left (low half) and the right one (high half), together 256.
    weights: Vec<i32>,
    /// The length of a line that has all pixels.
    reach: usize,
}

impl Columns {
    /// `taps`: left pixels and the weights of the right ones, in 256ths.
    pub(super) fn new(taps: impl Iterator<Item = (u32, u32)> + Clone) -> Self {
        let farthest = taps.clone().map(|(first, _)| first).max();
        Self {
            reach: farthest.map_or(0, |first| first as usize + 2),
            first: taps.clone().map(|(first, _)| first as i32).collect(),
            weights: taps
                .map(|(_, right)| ((right << 16) | (256 - right)) as i32)
                .collect(),
        }
    }
}

/// Interpolates a row: `line` has values of 8 bits times 256, and one more than the left pixels of `columns` reach.
pub(super) fn interpolate(line: &[u16], columns: &Columns, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() && columns.reach <= line.len() {
        // SAFETY: the processor has AVX2, and each pair of pixels lies within `line`.
        let done = unsafe { interpolate_avx2(line, columns, out) };
        return interpolate_rest(line, columns, out, done);
    }
    interpolate_rest(line, columns, out, 0);
}

/// From output pixel `from` on, one at a time.
fn interpolate_rest(line: &[u16], columns: &Columns, out: &mut [u8], from: usize) {
    let taps = columns.first.iter().zip(&columns.weights).skip(from);
    for (out, (first, weights)) in out[from..].iter_mut().zip(taps) {
        let first = *first as usize;
        let pair = &line[first..first + 2];
        let (left, right) = (u32::from(pair[0]), u32::from(pair[1]));
        let weight = (weights >> 16) as u32;
        let step = right.wrapping_sub(left).wrapping_mul(weight);
        *out = ((left << 8).wrapping_add(step).wrapping_add(0x8000) >> 16) as u8;
    }
}

/// [`convert_row`], eight pixels at a time where the processor can.
pub(super) fn convert(yuv: [&[u8]; 3], rgb: [&mut [f32]; 3], normalise: [(f32, f32); 3]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { convert_avx2(yuv, rgb, normalise) };
    }
    convert_row(yuv, rgb, normalise);
}

/// Interpolates between two rows of pixels: 8 bits times 256. `weight`: of `lower`, in 256ths.
pub(super) fn between(upper: &[u8], lower: &[u8], weight: u16, line: &mut [u16]) {
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: the processor has AVX2.
        return unsafe { between_avx2(upper, lower, weight, line) };
    }
    between_rows(upper, lower, weight, line);
}

/// Nothing wraps (255 * 256 fits); the wrapping operations keep it vectorised with overflow checks.
#[inline(always)]
fn between_rows(upper: &[u8], lower: &[u8], weight: u16, line: &mut [u16]) {
    for ((between, upper), lower) in line.iter_mut().zip(upper).zip(lower) {
        let (upper, lower) = (u16::from(*upper), u16::from(*lower));
        let upper = upper.wrapping_mul(256 - weight);
        *between = upper.wrapping_add(lower.wrapping_mul(weight));
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn convert_avx2(yuv: [&[u8]; 3], rgb: [&mut [f32]; 3], normalise: [(f32, f32); 3]) {
    convert_row(yuv, rgb, normalise);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn between_avx2(upper: &[u8], lower: &[u8], weight: u16, line: &mut [u16]) {
    between_rows(upper, lower, weight, line);
}

/// Returns how many output pixels are done: a multiple of eight.
///
/// # Safety
///
/// `line` must be as long as `columns.reach`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn interpolate_avx2(line: &[u16], columns: &Columns, out: &mut [u8]) -> usize {
    use std::arch::x86_64::{
        __m256i, _mm_cvtsi128_si64, _mm_packus_epi16, _mm256_add_epi32, _mm256_castsi256_si128,
        _mm256_extracti128_si256, _mm256_i32gather_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_packs_epi32, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_srli_epi32,
        _mm256_xor_si256,
    };
    // Multiplication takes signed numbers: 32768 is subtracted before, and 32768 * 256 added after.
    let offset = _mm256_set1_epi16(i16::MIN);
    let rounded = _mm256_set1_epi32((32_768 << 8) + 0x8000);
    let groups = columns.first.chunks_exact(8);
    let groups = groups.zip(columns.weights.chunks_exact(8));
    let mut done = 0;
    for ((first, weights), out) in groups.zip(out.chunks_exact_mut(8)) {
        // SAFETY: both slices have eight numbers of 32 bits; by `reach`, each gathered pair of 16 bits is within `line`.
        let (pairs, weights) = unsafe {
            let first = _mm256_loadu_si256(first.as_ptr().cast::<__m256i>());
            (
                _mm256_i32gather_epi32::<2>(line.as_ptr().cast::<i32>(), first),
                _mm256_loadu_si256(weights.as_ptr().cast::<__m256i>()),
            )
        };
        let sums = _mm256_madd_epi16(_mm256_xor_si256(pairs, offset), weights);
        let levels = _mm256_srli_epi32::<16>(_mm256_add_epi32(sums, rounded));
        let words = _mm256_packs_epi32(levels, levels);
        let (low, high) = (
            _mm256_castsi256_si128(words),
            _mm256_extracti128_si256::<1>(words),
        );
        let low = _mm_cvtsi128_si64(_mm_packus_epi16(low, low)) as u32;
        let high = _mm_cvtsi128_si64(_mm_packus_epi16(high, high)) as u32;
        out[..4].copy_from_slice(&low.to_le_bytes());
        out[4..].copy_from_slice(&high.to_le_bytes());
        done += 8;
    }
    done
}

#[test]
fn wide_and_single_loops_agree() {
    let line: Vec<u16> = (0..641_u32)
        .map(|x| (x * 7919 % 255 * 256 + x % 256) as u16)
        .collect();
    for width in [1, 7, 8, 23, 416, 640] {
        let taps = (0..width as u32).map(|x| (x * 640 / width as u32, x * 37 % 257));
        let columns = Columns::new(taps);
        let (mut wide, mut single) = (vec![0; width], vec![1; width]);
        interpolate(&line, &columns, &mut wide);
        interpolate_rest(&line, &columns, &mut single, 0);
        assert_eq!(wide, single, "{width}");
    }
}
