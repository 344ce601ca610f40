use super::*;

#[test]
fn user_agents_map_to_readable_names() {
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
