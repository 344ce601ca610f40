//! Colours of the overlay (the accent, and one for each class) and its sizes.

use capture::canvas::Ink;

/// Full-range RGB.
pub(crate) type Rgb = (u8, u8, u8);

/// The accent colour, the page's `--accent` (#ff7a1a).
pub const ACCENT: Rgb = (255, 122, 26);
/// The page's dark `--ground`.
pub(crate) const GROUND: Rgb = (11, 11, 12);
/// The page's `--ink` on it.
pub(crate) const PAPER: Rgb = (244, 243, 239);
/// The page's `--quiet`.
pub(crate) const QUIET: Rgb = (201, 200, 195);

/// The step of the hue from class to class: the golden angle keeps successive hues far apart.
const GOLDEN_ANGLE: f32 = 137.507_77;
/// The hue of class 0, the person: spring green.
const FIRST_HUE: f32 = 155.0;
/// Lightness and chroma, in turns. There are six, because classes with similar hues are 21, 34 and 55
/// apart, none a multiple of six. All are bright, for lines between dark outlines.
const SHADES: [(f32, f32); 6] = [
    (0.85, 0.23),
    (0.71, 0.22),
    (0.89, 0.16),
    (0.76, 0.20),
    (0.82, 0.15),
    (0.68, 0.20),
];

pub(crate) fn ink(colour: Rgb) -> Ink {
    Ink::rgb(colour.0, colour.1, colour.2)
}

/// The colour of the boxes of a class, always the same.
#[must_use]
pub fn of_class(class_id: usize) -> Rgb {
    let index = class_id % 4096;
    let (lightness, chroma) = SHADES[index % SHADES.len()];
    let hue = (FIRST_HUE + GOLDEN_ANGLE * index as f32) % 360.0;
    // The highest chroma that sRGB can show.
    let steps = (0..=20).map(|step| chroma * (1.0 - step as f32 / 20.0));
    steps
        .filter_map(|chroma| from_oklch(lightness, chroma, hue))
        .next()
        .unwrap_or(PAPER)
}

/// Dark or light, whichever has more contrast on `ground`.
pub(crate) fn readable_on(ground: Rgb) -> Rgb {
    if contrast(ground, GROUND) >= contrast(ground, PAPER) {
        GROUND
    } else {
        PAPER
    }
}

/// Blends `parts` percent of `over` over `under`.
pub(crate) fn mixed(under: Rgb, over: Rgb, parts: u16) -> Rgb {
    let mix = |a: u8, b: u8| ((u16::from(a) * (100 - parts) + u16::from(b) * parts) / 100) as u8;
    (
        mix(under.0, over.0),
        mix(under.1, over.1),
        mix(under.2, over.2),
    )
}

/// WCAG 2.2 contrast ratio, 1..=21.
pub(crate) fn contrast(a: Rgb, b: Rgb) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(colour: Rgb) -> f32 {
    let [r, g, b] = linear(colour);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn linear((r, g, b): Rgb) -> [f32; 3] {
    [r, g, b].map(|value| {
        let value = f32::from(value) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// `None` outside sRGB. Björn Ottosson, "A perceptual color space for image processing", 2020.
fn from_oklch(lightness: f32, chroma: f32, hue_degrees: f32) -> Option<Rgb> {
    let (sin, cos) = hue_degrees.to_radians().sin_cos();
    let (a, b) = (chroma * cos, chroma * sin);
    let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
    let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
    let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
    let channels = [
        4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_94 * s,
        -1.268_438 * l + 2.609_757_4 * m - 0.341_319_38 * s,
        -0.004_196_086 * l - 0.703_418_6 * m + 1.707_614_7 * s,
    ];
    if channels
        .iter()
        .any(|value| !(-0.001..=1.001).contains(value))
    {
        return None;
    }
    let [r, g, b] = channels.map(|value| {
        let value = value.clamp(0.0, 1.0);
        let curved = if value <= 0.003_130_8 {
            value * 12.92
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (curved * 255.0).round() as u8
    });
    Some((r, g, b))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// The bright line of a box.
    pub(crate) line: i32,
    /// The dark line on either side of it.
    pub(crate) halo: i32,
    /// Corners of boxes and chips.
    pub(crate) radius: i32,
    /// Em height of labels and notes.
    pub(crate) text: u32,
    /// Space around a label: left and right.
    pub(crate) pad_x: i32,
    /// Space around a label: above and below.
    pub(crate) pad_y: i32,
}

impl Sizes {
    /// Grows more slowly than the picture: painted at 720 rows and scaled to 360, or seen on a
    /// phone, text must still be read; at 1080 it must not cover what it names.
    pub(crate) fn of(height_px: u32) -> Self {
        let height = height_px as f32;
        let at_least = |least: f32, px: f32| px.round().max(least) as i32;
        let text = (6.0 + height / 45.0).round().max(9.0);
        Self {
            line: at_least(1.0, height / 240.0 + 0.6),
            halo: at_least(1.0, height / 600.0),
            radius: at_least(2.0, height / 110.0),
            text: text as u32,
            pad_x: at_least(3.0, text * 0.42),
            pad_y: at_least(2.0, text * 0.26),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in OKLab; about 0.02 is just seen side by side.
    fn distance(a: Rgb, b: Rgb) -> f32 {
        let lab = |colour| {
            let [r, g, b] = linear(colour);
            let l = (0.412_221_46 * r + 0.536_332_55 * g + 0.051_445_995 * b).cbrt();
            let m = (0.211_903_5 * r + 0.680_699_5 * g + 0.107_396_96 * b).cbrt();
            let s = (0.088_302_46 * r + 0.281_718_85 * g + 0.629_978_7 * b).cbrt();
            [
                0.210_454_26 * l + 0.793_617_8 * m - 0.004_072_047 * s,
                1.977_998_5 * l - 2.428_592_2 * m + 0.450_593_7 * s,
                0.025_904_037 * l + 0.782_771_77 * m - 0.808_675_77 * s,
            ]
        };
        let (a, b): ([f32; 3], [f32; 3]) = (lab(a), lab(b));
        a.iter()
            .zip(b)
            .map(|(a, b)| (a - b).powi(2))
            .sum::<f32>()
            .sqrt()
    }

    #[test]
    fn every_class_stands_out_from_its_outline_and_carries_readable_text() {
        for class_id in 0..80 {
            let colour = of_class(class_id);
            assert!(contrast(colour, GROUND) >= 6.0, "{class_id}: {colour:?}");
            assert!(
                contrast(colour, readable_on(colour)) >= 6.0,
                "{class_id}: {colour:?}"
            );
        }
    }

    #[test]
    fn neighbours_are_far_apart_and_no_two_classes_are_the_same() {
        for a in 0..80 {
            let next = distance(of_class(a), of_class(a + 1));
            assert!(next > 0.15, "{a} and the next: {next}");
            for b in 0..a {
                let apart = distance(of_class(a), of_class(b));
                assert!(apart > 0.012, "{a} and {b}: {apart}");
            }
        }
    }

    #[test]
    fn any_class_number_has_a_colour() {
        assert_eq!(of_class(usize::MAX), of_class(4095));
        assert_eq!(of_class(17), of_class(17));
    }

    #[test]
    fn text_is_dark_on_bright_and_bright_on_dark() {
        assert_eq!(readable_on((250, 240, 90)), GROUND);
        assert_eq!(readable_on((40, 20, 90)), PAPER);
        assert!((contrast((255, 255, 255), (0, 0, 0)) - 21.0).abs() < 0.01);
        assert_eq!(mixed((0, 0, 0), (200, 100, 50), 50), (100, 50, 25));
    }

    #[test]
    fn text_is_legible_at_every_rendition() {
        assert_eq!(Sizes::of(180).text, 10);
        assert_eq!(Sizes::of(360).text, 14);
        assert_eq!(Sizes::of(720).text, 22);
        assert_eq!(Sizes::of(1080).text, 30);
    }

    #[test]
    fn lines_grow_with_the_picture_and_never_vanish() {
        let lines = [2, 180, 360, 720, 1080, 2160].map(|height| Sizes::of(height).line);
        assert!(lines.is_sorted(), "{lines:?}");
        assert_eq!((lines[0], lines[2], lines[3]), (1, 2, 4));
        assert!(Sizes::of(8192).line < 40);
    }
}
