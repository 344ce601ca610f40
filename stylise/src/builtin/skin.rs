//! The colour of a face's skin, and a few flattering tones of it. Lightness is the face's own: nobody is
//! made lighter or darker.

use crate::builtin::plane::{Colour, Grey, quantiles_within, smoothstep};

/// The median colour of a face, in CIE Lab.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Skin {
    light: f32,
    a: f32,
    b: f32,
}

/// Hues of skin in any usual light: from pink to yellow.
const HUES_DEG: [f32; 2] = [5.0, 95.0];
/// Hues that look healthy.
const FLATTERING_DEG: [f32; 2] = [34.0, 66.0];
/// Less is the grey of an old photograph.
const CHROMA_MIN: f32 = 5.0;
const FLATTERING_CHROMA: [f32; 2] = [20.0, 34.0];
/// How different a colour may be from skin of little chroma.
const ROOM_MIN: f32 = 18.0;

impl Skin {
    /// `radius` is the distance from the face's centre. `None`: the face has no colour of skin.
    pub(super) fn of(lab: &Colour, radius: &Grey) -> Option<Self> {
        let median = |n: usize| {
            let [median] = quantiles_within(&lab.map(|lab| [lab[n]]), radius, 0.5, [0.5]);
            median
        };
        let (light, a, b) = (median(0), median(1), median(2));
        let (chroma, hue_deg) = (a.hypot(b), b.atan2(a).to_degrees());
        let is_skin = chroma >= CHROMA_MIN && (HUES_DEG[0]..=HUES_DEG[1]).contains(&hue_deg);
        is_skin.then_some(Self { light, a, b })
    }

    /// How much a colour is that of this skin, in light or shade. Light makes it paler, but not of another
    /// hue.
    pub(super) fn share(&self, [light, a, b]: [f32; 3]) -> f32 {
        let chroma = self.a.hypot(self.b);
        let (along, across) = (self.a / chroma, self.b / chroma);
        let paler = a * along + b * across - chroma;
        let other = b * along - a * across;
        let room = chroma.max(ROOM_MIN);
        let off = smoothstep(0.4 * room, 0.95 * room, (0.7 * paler).hypot(other));
        (1.0 - off) * smoothstep(self.light * 0.3, self.light * 0.6, light)
    }

    fn flattering(&self) -> [f32; 2] {
        let chroma = self.a.hypot(self.b);
        let chroma = chroma.clamp(FLATTERING_CHROMA[0], FLATTERING_CHROMA[1]);
        let hue_deg = self.b.atan2(self.a).to_degrees();
        let hue = hue_deg
            .clamp(FLATTERING_DEG[0], FLATTERING_DEG[1])
            .to_radians();
        [chroma * hue.cos(), chroma * hue.sin()]
    }

    /// Takes blotches out of the skin.
    pub(super) fn evened(&self, lab: [f32; 3], strength: f32) -> [f32; 3] {
        let [light, a, b] = lab;
        let (share, [even_a, even_b]) = (self.share(lab) * strength, self.flattering());
        [light, a + (even_a - a) * share, b + (even_b - b) * share]
    }

    /// The skin in five tones: deep and light shade, its own colour, light and gloss.
    pub(super) fn toned(&self, lab: [f32; 3]) -> [f32; 3] {
        let [light, a, b] = lab;
        let share = self.share(lab);
        let off = light - self.light;
        let step = |at: f32| smoothstep(at - 1.5, at + 1.5, off);
        // Steps follow the lightness: a dark face has less room for shade.
        let unit = (self.light / 65.0).clamp(0.55, 1.0);
        let steps = 11.0 * step(-16.0 * unit)
            + 10.0 * step(-6.0 * unit)
            + 8.0 * step(6.0 * unit)
            + 9.0 * step(16.0 * unit);
        let tone = self.light + unit * (steps - 21.0);
        let shade = 1.0 - step(-6.0 * unit);
        let [even_a, even_b] = self.flattering();
        let (even_a, even_b) = (even_a + 3.0 * shade, even_b - 1.5 * shade);
        [
            light + (tone - light) * share,
            a + (even_a - a) * share,
            b + (even_b - b) * share,
        ]
    }
}
