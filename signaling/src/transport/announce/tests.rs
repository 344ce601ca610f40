use super::*;

fn read(text: &str) -> Announced {
    text.parse().expect(text)
}

#[test]
fn addresses_names_and_ports_are_parsed() {
    for (text, expected) in [
        ("203.0.113.5", "203.0.113.5:8189"),
        (" 203.0.113.5:30189 ", "203.0.113.5:30189"),
        ("2001:db8::5", "[2001:db8::5]:8189"),
        ("[2001:db8::5]", "[2001:db8::5]:8189"),
        ("[2001:db8::5]:30189", "[2001:db8::5]:30189"),
        ("::ffff:203.0.113.5", "203.0.113.5:8189"),
    ] {
        let expected = vec![expected.parse::<SocketAddr>().expect("an address")];
        assert_eq!(read(text).addresses(8189, &[]), expected, "{text}");
        assert_eq!(read(text).name(), None);
    }
    let found = [IpAddr::from([203, 0, 113, 9])];
    let name = read("host.example:30189");
    assert_eq!(name.name(), Some("host.example"));
    assert_eq!(
        name.addresses(8189, &found)[0].to_string(),
        "203.0.113.9:30189"
    );
    assert!(name.addresses(8189, &[]).is_empty(), "not resolved yet");
    assert_eq!(read("station").to_string(), "station");
}

#[test]
fn invalid_addresses_are_rejected_with_their_text() {
    for text in [
        "",
        "0.0.0.0",
        "203.0.113.5:0",
        "203.0.113.5:70000",
        "203.0.113",
        "host.example:",
        "host example",
        "-host",
        "a..b",
        "ff02::1",
        "[::]:8189",
        "255.255.255.255",
    ] {
        let error = text.parse::<Announced>().expect_err(text);
        assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
    }
}
