//! `carrier hotspot` with made-up nmcli and nft, and the captive portal as phones ask it.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::station::{Station, command, fresh_folder};
use crate::timing::HANG_TIMEOUT;

const CONFIG: &str = "[wifi]\nssid = \"hall booth\"\npassword = \"correct horse\"\n[hotspot]\ninterface = \"wlan7\"\n";

/// `carrier hotspot` with a folder of programs as its whole `PATH`.
fn hotspot(home: &Path, words: &[&str], toml: &str) -> (i32, String) {
    fs::write(home.join("carrier.toml"), toml).expect("written");
    fs::create_dir_all(home.join("bin")).expect("created");
    let done: Output = command(home)
        .arg("hotspot")
        .args(words)
        .arg("--config")
        .arg(home.join("carrier.toml"))
        .env("PATH", home.join("bin"))
        .output()
        .expect("it runs");
    let mut text = String::from_utf8_lossy(&done.stdout).into_owned();
    text += &String::from_utf8_lossy(&done.stderr);
    (done.status.code().unwrap_or(-1), text)
}

/// A program that writes its arguments, one a line, to the file `calls`; `then` is run after that.
fn fake(home: &Path, name: &str, then: &str) {
    let folder = home.join("bin");
    fs::create_dir_all(&folder).expect("created");
    let calls = home.join("calls");
    let script = format!(
        "#!/bin/sh\necho \"{name} $*\" >> '{}'\n{then}\n",
        calls.display()
    );
    let path = folder.join(name);
    fs::write(&path, script).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
}

#[test]
fn the_hotspot_is_made_with_the_name_and_password_of_the_wifi_code() {
    let home = fresh_folder();
    // NetworkManager refuses to delete what is not there.
    fake(
        &home,
        "nmcli",
        "case \"$*\" in *show*) echo 'carrier-hotspot:wlan7';; *delete*) exit 10;; esac",
    );
    let (code, text) = hotspot(&home, &["up"], CONFIG);
    assert_eq!((code, text.as_str()), (0, "done\n"));
    let calls = fs::read_to_string(home.join("calls")).expect("called");
    let add = calls
        .lines()
        .find(|line| line.contains(" add "))
        .expect("added");
    for wanted in [
        "ifname wlan7",
        "ssid hall booth ",
        "802-11-wireless-security.psk correct horse",
        "ipv4.method shared",
    ] {
        assert!(add.contains(wanted), "{wanted} in {add}");
    }
    assert!(
        calls.ends_with("nmcli connection up id carrier-hotspot\n"),
        "{calls}"
    );
    let (code, text) = hotspot(&home, &["status"], CONFIG);
    assert_eq!((code, text.as_str()), (0, "on, at wlan7\n"));

    fake(
        &home,
        "nmcli",
        "case \"$*\" in *\" up \"*) echo 'no such device' >&2; exit 4;; esac",
    );
    let (code, text) = hotspot(&home, &["up"], CONFIG);
    assert!(
        code == 1 && text.contains("nmcli connection up failed: no such device"),
        "{code}: {text}"
    );
    let (code, text) = hotspot(&home, &["status"], CONFIG);
    assert_eq!((code, text.as_str()), (1, "off\n"));
}

#[test]
fn a_dry_run_prints_what_would_be_done_and_does_nothing() {
    let home = fresh_folder();
    fake(&home, "nmcli", "");
    let (code, text) = hotspot(&home, &["up", "--dry-run"], CONFIG);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("\nnmcli connection add type wifi ifname wlan7"),
        "{text}"
    );
    assert!(!home.join("calls").exists(), "{text}");
    let bare = fresh_folder();
    let (code, text) = hotspot(&bare, &["up"], CONFIG);
    assert!(
        code == 1 && text.contains("nmcli is not here") && text.contains("docs/hotspot.md"),
        "{code}: {text}"
    );
    let (code, text) = hotspot(&bare, &["up"], "");
    assert!(
        code != 0 && text.contains("wlan") | text.contains("Wi-Fi"),
        "{code}: {text}"
    );
    let (code, text) = hotspot(&bare, &["up"], "[hotspot]\ninterface = \"wlan7\"\n");
    assert!(code == 2 && text.contains("wifi.ssid"), "{code}: {text}");
}

/// Head and body of the answer to a phone's request.
fn asked(station: &Station, host: &str, path: &str, accept: &str) -> String {
    let address = station
        .url
        .trim_start_matches("http://")
        .trim_end_matches('/');
    let host = if host.is_empty() { address } else { host };
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it ends");
    answer
}

const PHONES: [(&str, &str, &str); 6] = [
    (
        "connectivitycheck.gstatic.com",
        "/generate_204",
        "HTTP/1.1 204",
    ),
    (
        "captive.apple.com",
        "/hotspot-detect.html",
        "<BODY>Success</BODY>",
    ),
    (
        "www.msftconnecttest.com",
        "/connecttest.txt",
        "Microsoft Connect Test",
    ),
    (
        "detectportal.firefox.com",
        "/canonical.html",
        "support.mozilla.org",
    ),
    ("detectportal.firefox.com", "/success.txt?ipv4", "success"),
    (
        "nmcheck.gnome.org",
        "/check_network_status.txt",
        "NetworkManager is online",
    ),
];

#[test]
fn phones_that_join_are_led_to_the_booth_and_keep_the_network() {
    let station = Station::configured("[network]\ncaptive_portal = true\n", &["--model", "none"]);
    let page = format!("location: {}captive\r\n", station.url);
    for (host, path, _) in PHONES {
        let answer = asked(&station, host, path, "*/*");
        assert!(
            answer.starts_with("HTTP/1.1 302") && answer.contains(&page),
            "{host}{path}: {answer}"
        );
    }
    let other = asked(&station, "captive.apple.com", "/api/status", "*/*");
    assert!(other.starts_with("HTTP/1.1 421"), "{other}");
    let other = asked(&station, "captive.apple.com", "/captive", "text/html");
    assert!(other.starts_with("HTTP/1.1 421"), "{other}");
    let api = asked(&station, "", "/api/captive", "*/*");
    assert!(
        api.contains("application/captive+json") && api.contains("\"captive\":true"),
        "{api}"
    );

    // A system that follows the redirect has seen nothing.
    asked(&station, "", "/captive", "*/*");
    let answer = asked(&station, PHONES[0].0, PHONES[0].1, "*/*");
    assert!(answer.starts_with("HTTP/1.1 302"), "{answer}");
    let opened = asked(&station, "", "/captive", "text/html,*/*");
    assert!(opened.contains("location: /booth\r\n"), "{opened}");
    for (host, path, wanted) in PHONES {
        let answer = asked(&station, host, path, "*/*");
        assert!(answer.contains(wanted), "{host}{path}: {answer}");
    }
    let api = asked(&station, "", "/api/captive", "*/*");
    assert!(api.contains("\"captive\":false"), "{api}");
}

#[test]
fn without_a_portal_foreign_names_are_refused() {
    let station = Station::start(&["--model", "none"]);
    for (host, path, _) in PHONES {
        let answer = asked(&station, host, path, "*/*");
        assert!(answer.starts_with("HTTP/1.1 421"), "{host}{path}: {answer}");
    }
    let page = asked(&station, "", "/captive", "text/html");
    assert!(page.starts_with("HTTP/1.1 404"), "{page}");
}
