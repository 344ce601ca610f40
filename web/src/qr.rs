//! QR codes, for pages, print and the terminal, and the text that lets a phone join a Wi-Fi network.

use std::fmt::Write;

use qrcode::render::svg;
use qrcode::{Color, EcLevel, QrCode};
use screen::CodeMatrix;

use crate::config::{WifiConfig, WifiSecurity};

/// The default size; SVG scales.
const MODULE_PX: u32 = 8;

/// `text` as an SVG picture, black on white in any theme, with the quiet zone of four modules (ISO/IEC
/// 18004). Medium error correction, for worn prints. `None` if the text is too long.
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

/// `text` in half-block characters, black on white in any terminal; `None` if it is too long.
pub(crate) fn terminal(text: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let width = code.width() as isize;
    let dark = |x: isize, y: isize| {
        let inside = (0..width).contains(&x) && (0..width).contains(&y);
        inside && code[(x as usize, y as usize)] == qrcode::Color::Dark
    };
    const QUIET_MODULES: isize = 2;
    let range = -QUIET_MODULES..width + QUIET_MODULES;
    let mut out = String::new();
    for y in range.clone().step_by(2) {
        // Black on white by colour codes: scanners need a light quiet zone.
        out.push_str("  \x1b[30;107m");
        for x in range.clone() {
            out.push(match (dark(x, y), dark(x, y + 1)) {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        let _ = writeln!(out, "\x1b[0m");
    }
    Some(out)
}

/// The modules of `text` for the screen; `None` if it is too long. Low error correction: nothing wears a screen, and
/// fewer modules are larger.
pub(crate) fn matrix(text: &str) -> Option<CodeMatrix> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    let modules = code.to_colors().into_iter();
    Some(CodeMatrix {
        width: u32::try_from(code.width()).ok()?,
        dark: modules.map(|module| module == Color::Dark).collect(),
    })
}

/// In the format of ZXing, which Android and iOS read:
/// <https://github.com/zxing/zxing/wiki/Barcode-Contents#wi-fi-network-config-android-ios-11>. `None`
/// without a network.
pub(crate) fn wifi_text(wifi: &WifiConfig) -> Option<String> {
    let ssid = wifi.ssid.as_deref()?;
    let mut text = format!("WIFI:T:{};S:{};", wifi.security.name(), name(ssid));
    if wifi.security != WifiSecurity::Nopass {
        let password = escaped(wifi.password.as_deref().unwrap_or_default());
        let _ = write!(text, "P:{password};");
    }
    if wifi.hidden {
        text.push_str("H:true;");
    }
    text.push(';');
    Some(text)
}

/// An unquoted name of hexadecimal digits would be read as bytes. An unquoted password of 64 digits is
/// meant as bytes.
fn name(ssid: &str) -> String {
    if ssid.chars().all(|c| c.is_ascii_hexdigit()) {
        return format!("\"{ssid}\"");
    }
    escaped(ssid)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | ';' | ',' | ':' | '"') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_square_with_a_quiet_zone() {
        let qr = terminal("http://192.168.1.20:8080/").expect("short");
        let lines: Vec<&str> = qr.lines().collect();
        let modules = lines[0].chars().filter(|c| "█▀▄ ".contains(*c)).count() - 2;
        assert!(
            (lines.len() * 2).abs_diff(modules) <= 1,
            "{} x {modules}",
            lines.len()
        );
        assert!(terminal(&"x".repeat(10_000)).is_none());
    }

    #[test]
    fn svg_is_black_on_white_and_fails_for_long_texts() {
        let picture = svg("http://192.168.1.20:8080/booth").expect("short");
        assert!(picture.contains("fill=\"#fff\"") && picture.contains("fill=\"#000\""));
        // 29 modules, and the quiet zone on both sides.
        assert!(picture.contains("width=\"296\""), "{picture:.200}");
        assert!(svg(&"x".repeat(10_000)).is_none());
    }

    fn text(ssid: &str, password: &str, security: WifiSecurity, hidden: bool) -> String {
        let wifi = WifiConfig {
            ssid: Some(ssid.to_owned()),
            password: Some(password.to_owned()),
            security,
            hidden,
        };
        wifi_text(&wifi).expect("a network")
    }

    #[test]
    fn wifi_text_has_the_zxing_format() {
        let wpa = WifiSecurity::Wpa;
        assert_eq!(
            text("Café am Eck", "p4ssw0rd!", wpa, false),
            "WIFI:T:WPA;S:Café am Eck;P:p4ssw0rd!;;"
        );
        assert_eq!(
            text("mine", "secret-word", WifiSecurity::Wep, true),
            "WIFI:T:WEP;S:mine;P:secret-word;H:true;;"
        );
        let open = text("mine", "ignored", WifiSecurity::Nopass, false);
        assert_eq!(open, "WIFI:T:nopass;S:mine;;");
        assert_eq!(wifi_text(&WifiConfig::default()), None);
    }

    #[test]
    fn special_characters_of_the_format_are_escaped() {
        let tricky = text(
            r#"a;b,c:d\e"f"#,
            r#"x";T:nopass;\"#,
            WifiSecurity::Wpa,
            false,
        );
        assert_eq!(
            tricky,
            r#"WIFI:T:WPA;S:a\;b\,c\:d\\e\"f;P:x\"\;T\:nopass\;\\;;"#
        );
    }

    #[test]
    fn a_hexadecimal_network_name_is_quoted() {
        let wpa = |ssid| text(ssid, "12345678", WifiSecurity::Wpa, false);
        assert_eq!(wpa("ABCD"), "WIFI:T:WPA;S:\"ABCD\";P:12345678;;");
        assert_eq!(wpa("2026"), "WIFI:T:WPA;S:\"2026\";P:12345678;;");
        assert_eq!(wpa("ABCX"), "WIFI:T:WPA;S:ABCX;P:12345678;;");
    }
}
