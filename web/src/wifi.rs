//! Pure: the text of a code that lets a phone join a Wi-Fi network.

use std::fmt::Write;

use crate::config::{WifiConfig, WifiSecurity};

/// As ZXing wrote it down, and as phones of both makers read it:
/// <https://github.com/zxing/zxing/wiki/Barcode-Contents#wi-fi-network-config-android-ios-11>.
/// `None` without a network.
pub(crate) fn join_text(wifi: &WifiConfig) -> Option<String> {
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

/// A name of nothing but hexadecimal digits would be read as the bytes that they stand for, unless it
/// is quoted. A password is not: of 64 digits it is meant as bytes.
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

    fn text(ssid: &str, password: &str, security: WifiSecurity, hidden: bool) -> String {
        let wifi = WifiConfig {
            ssid: Some(ssid.to_owned()),
            password: Some(password.to_owned()),
            security,
            hidden,
        };
        join_text(&wifi).expect("a network")
    }

    #[test]
    fn a_network_is_spelt_as_phones_read_it() {
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
        assert_eq!(join_text(&WifiConfig::default()), None);
    }

    #[test]
    fn what_the_format_uses_itself_is_escaped() {
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
    fn a_name_that_looks_like_bytes_is_quoted() {
        let wpa = |ssid| text(ssid, "12345678", WifiSecurity::Wpa, false);
        assert_eq!(wpa("ABCD"), "WIFI:T:WPA;S:\"ABCD\";P:12345678;;");
        assert_eq!(wpa("2026"), "WIFI:T:WPA;S:\"2026\";P:12345678;;");
        assert_eq!(wpa("ABCX"), "WIFI:T:WPA;S:ABCX;P:12345678;;");
    }
}
