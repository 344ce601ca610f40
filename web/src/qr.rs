//! QR codes for screens and print.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// A vector scales: this is only the size it has by itself.
const MODULE_PX: u32 = 8;

/// `text` as an SVG picture, black on white whatever the page looks like, with the quiet zone of four
/// modules that scanners want (ISO/IEC 18004). Medium correction: prints get folds and stains. `None`
/// when the text is too long for any code.
pub(crate) fn svg(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let picture = code
        .render::<svg::Color<'_>>()
        .quiet_zone(true)
        .module_dimensions(MODULE_PX, MODULE_PX)
        .dark_color(svg::Color("#000"))
        .light_color(svg::Color("#fff"))
        .build();
    Some(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_black_on_white_and_says_when_there_is_too_much() {
        let picture = svg("http://192.168.1.20:8080/booth").expect("short");
        assert!(picture.contains("fill=\"#fff\"") && picture.contains("fill=\"#000\""));
        // 29 modules and the quiet zone on both sides.
        assert!(picture.contains("width=\"296\""), "{picture:.200}");
        assert!(svg(&"x".repeat(10_000)).is_none());
    }
}
