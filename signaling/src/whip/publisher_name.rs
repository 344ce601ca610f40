//! What viewers are told about whoever publishes, from what its program calls itself. Pure: only
//! words of ours come out.

/// The plain name for a `User-Agent`.
pub(super) fn publisher_name(user_agent: Option<&str>) -> &'static str {
    let agent = user_agent.unwrap_or_default().to_ascii_lowercase();
    let says = |word: &str| agent.contains(word);
    // OBS calls itself Mozilla too, and so does every phone.
    let names = [
        ("obs", "OBS"),
        ("lavf", "ffmpeg"),
        ("gstreamer", "GStreamer"),
        ("android", "phone camera"),
        ("iphone", "phone camera"),
        ("ipad", "tablet camera"),
        ("mobile", "phone camera"),
        ("mozilla", "camera of a browser"),
    ];
    let found = names.iter().find(|(word, _)| says(word));
    found.map_or("published picture", |(_, name)| name)
}

#[test]
fn programs_are_called_by_their_plain_names() {
    for (agent, name) in [
        (
            "Mozilla/5.0 (OBS-Studio/30.1.2; Linux x86_64; en-US)",
            "OBS",
        ),
        ("Lavf/62.1.100", "ffmpeg"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1",
            "phone camera",
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36",
            "camera of a browser",
        ),
        ("<script>", "published picture"),
    ] {
        assert_eq!(publisher_name(Some(agent)), name, "{agent}");
    }
    assert_eq!(publisher_name(None), "published picture");
}
