//! Cuts people out of a picture: GrabCut (Rother, Kolmogorov and Blake, 2004), by OpenCV, which learns from
//! the boxes of persons and faces what is foreground.

use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Rect};
use opencv::imgproc;

use crate::builtin::bounds::Bounds;
use crate::builtin::filters::{blur, on_one_thread, resize};
use crate::builtin::plane::{Colour, Grey, Plane, smoothstep};
use crate::builtin::stages::StyleError;
use crate::builtin::subject::Subject;

/// Longer side of the picture that is cut; its cost grows faster than the number of pixels.
const SIDE_PX: f32 = 208.0;
const ROUNDS: i32 = 3;

/// Shares of the picture between which a cut-out is plausible.
const SHARE_MIN: f32 = 0.03;
const SHARE_MAX: f32 = 0.9;

/// How much of each pixel belongs to the people, or to what is in the middle when there are none; `None`
/// when nothing could be told from the background.
pub(super) fn cut_out(subject: &Subject) -> Result<Option<Grey>, StyleError> {
    let picture = &subject.picture;
    let scale = SIDE_PX / picture.width.max(picture.height) as f32;
    let side = |side: usize| ((side as f32 * scale) as usize).max(8);
    let (width, height) = (side(picture.width), side(picture.height));
    let small = resize(picture, width, height)?.clamped();
    let mut guesses = guesses(subject, width, height);
    let has = |wanted: [i32; 2]| {
        let is_wanted = |guess: &u8| wanted.contains(&i32::from(*guess));
        guesses.iter().any(is_wanted)
    };
    if !has(FOREGROUND) || !has([imgproc::GC_BGD, imgproc::GC_PR_BGD]) {
        return Ok(None);
    }
    grab(&small, &mut guesses)?;
    let cut = Plane {
        width,
        height,
        pixels: guesses
            .iter()
            .map(|guess| [f32::from(u8::from(FOREGROUND.contains(&i32::from(*guess))))])
            .collect(),
    };
    let share = cut.pixels.iter().flatten().sum::<f32>() / cut.pixels.len() as f32;
    if !(SHARE_MIN..SHARE_MAX).contains(&share) {
        return Ok(None);
    }
    // Blurred before it is enlarged, so that the outline is a curve and no stairs.
    let soft = resize(&blur(&cut, 1.3)?, picture.width, picture.height)?;
    Ok(Some(soft.map(|[level]| [smoothstep(0.42, 0.58, level)])))
}

const FOREGROUND: [i32; 2] = [imgproc::GC_FGD, imgproc::GC_PR_FGD];

/// What each pixel of the small picture is at first.
fn guesses(subject: &Subject, width: usize, height: usize) -> Vec<u8> {
    let (full_width, full_height) = (subject.picture.width, subject.picture.height);
    let bodies = bodies(subject);
    let mut guesses = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let x = (x as f32 + 0.5) / width as f32 * full_width as f32;
            let y = (y as f32 + 0.5) / height as f32 * full_height as f32;
            let guess = bodies.iter().map(|body| body.guess(x, y)).max();
            guesses.push(match guess.unwrap_or(Guess::Outside) {
                Guess::Outside => imgproc::GC_BGD,
                Guess::Near => imgproc::GC_PR_BGD,
                Guess::Likely => imgproc::GC_PR_FGD,
                Guess::Sure => imgproc::GC_FGD,
            } as u8);
        }
    }
    guesses
}

/// Whether a pixel belongs to somebody, from unlikely to certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Guess {
    Outside,
    Near,
    Likely,
    Sure,
}

/// A person, of whom at least one of both is known.
struct Body {
    person: Bounds,
    face: Option<Bounds>,
}

impl Body {
    fn guess(&self, x: f32, y: f32) -> Guess {
        let (across, down) = relative(self.person, x, y);
        let is_near = across.abs() < 0.54 && down.abs() < 0.54;
        let guess = match self.face {
            Some(face) => {
                let (across, down) = relative(face, x, y);
                by_face(across, down, is_near)
            }
            None if (across / 0.14).hypot(down / 0.36) < 1.0 => Guess::Sure,
            None if (across / 0.45).hypot(down / 0.52) < 1.0 => Guess::Likely,
            None => Guess::Outside,
        };
        guess.max(if is_near { Guess::Near } else { Guess::Outside })
    }
}

/// A place in widths and heights of the face, from its middle: face and hair, then the trunk below, which
/// gets wider.
fn by_face(across: f32, down: f32, is_near: bool) -> Guess {
    let within = |middle: f32, rx: f32, ry: f32| (across / rx).hypot((down - middle) / ry) < 1.0;
    let below = (down - 0.6).max(0.0);
    let trunk = |from: f32, widening: f32, most: f32| {
        down > 0.58 && across.abs() < (from + widening * below).min(most) && is_near
    };
    if within(0.0, 0.45, 0.5) || within(-0.28, 0.42, 0.45) || trunk(0.2, 0.8, 0.75) {
        Guess::Sure
    } else if (within(-0.1, 0.78, 0.85) && is_near) || trunk(0.5, 2.2, 2.2) {
        Guess::Likely
    } else if within(-0.1, 0.78, 0.85) {
        Guess::Near
    } else {
        Guess::Outside
    }
}

/// A place relative to the middle of a rectangle, in its widths and heights.
fn relative(bounds: Bounds, x: f32, y: f32) -> (f32, f32) {
    let (width, height) = (bounds.width as f32, bounds.height as f32);
    (
        (x - bounds.left as f32) / width - 0.5,
        (y - bounds.top as f32) / height - 0.5,
    )
}

/// Persons with their faces; a face without a person gets what is below it; without anybody, the middle.
fn bodies(subject: &Subject) -> Vec<Body> {
    let (width, height) = (subject.picture.width, subject.picture.height);
    let mut bodies = Vec::new();
    let mut alone = vec![true; subject.persons.len()];
    for face in &subject.faces {
        let (x, y) = (face.left + face.width / 2, face.top + face.height / 2);
        let is_within = |person: &Bounds| {
            let (across, down) = relative(*person, x as f32, y as f32);
            across.abs() < 0.5 && down.abs() < 0.5
        };
        // The smallest, since the box of another person may reach behind this face.
        let own = subject.persons.iter().rposition(is_within);
        let left = face.left.saturating_sub(face.width);
        let top = face.top.saturating_sub(face.height / 2);
        let below = Bounds {
            left,
            top,
            width: (face.left + 2 * face.width).min(width) - left,
            height: height - top,
        };
        if let Some(own) = own {
            alone[own] = false;
        }
        bodies.push(Body {
            person: own.map_or(below, |own| subject.persons[own]),
            face: Some(*face),
        });
    }
    let without_face = subject
        .persons
        .iter()
        .zip(alone)
        .filter(|(_, alone)| *alone);
    bodies.extend(without_face.map(|(person, _)| Body {
        person: *person,
        face: None,
    }));
    if bodies.is_empty() {
        let (left, top) = (width / 12, height / 12);
        bodies.push(Body {
            person: Bounds {
                left,
                top,
                width: (width - 2 * left).max(1),
                height: (height - 2 * top).max(1),
            },
            face: None,
        });
    }
    bodies
}

fn grab(picture: &Colour, guesses: &mut Vec<u8>) -> Result<(), StyleError> {
    on_one_thread();
    let levels = picture.pixels.as_flattened().iter();
    let bytes: Vec<u8> = levels.map(|level| (level * 255.0 + 0.5) as u8).collect();
    let (rows, columns) = (picture.height as i32, picture.width as i32);
    let image = Mat::new_rows_cols_with_data(rows, columns * 3, &bytes)?;
    let image = image.reshape(3, rows)?;
    let mut mask = Mat::new_rows_cols_with_data(rows, columns, guesses.as_slice())?.try_clone()?;
    let (mut background, mut foreground) = (Mat::default(), Mat::default());
    // The same random numbers for each picture, so that it is cut the same again.
    opencv::core::set_rng_seed(7)?;
    imgproc::grab_cut(
        &image,
        &mut mask,
        Rect::default(),
        &mut background,
        &mut foreground,
        ROUNDS,
        imgproc::GC_INIT_WITH_MASK,
    )?;
    *guesses = mask.data_typed::<u8>()?.to_vec();
    Ok(())
}
