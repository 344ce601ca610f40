mod comment_markdown;
mod example_file;
mod reference;

use super::*;
use crate::cli::ConfigFileArgs;
use crate::test_folder::TestFolder;

/// Each section with its keys.
const SECTIONS: [(&str, &[&str]); 22] = [
    ("", Config::KEYS),
    ("camera", CameraConfig::KEYS),
    ("cameras", CameraEntry::KEYS),
    ("tls", TlsConfig::KEYS),
    ("viewers", ViewersConfig::KEYS),
    ("http", HttpConfig::KEYS),
    ("publish", PublishConfig::KEYS),
    ("network", NetworkConfig::KEYS),
    ("stylise", StyliseConfig::KEYS),
    ("booth", BoothConfig::KEYS),
    ("booth.frame", keepsake::BoothFrameConfig::KEYS),
    ("booth.print", keepsake::BoothPrintConfig::KEYS),
    ("wifi", WifiConfig::KEYS),
    ("hotspot", HotspotConfig::KEYS),
    ("events", EventsConfig::KEYS),
    ("telemetry", TelemetryConfig::KEYS),
    ("privacy", PrivacyConfig::KEYS),
    ("screen", ScreenConfig::KEYS),
    ("power", PowerConfig::KEYS),
    ("play", PlayConfig::KEYS),
    ("counting", CountingConfig::KEYS),
    ("mesh", MeshConfig::KEYS),
];

/// What a file with this text and these options give.
fn load(text: &str, options: RunArgs) -> Result<Config, ConfigError> {
    let folder = TestFolder::new();
    let path = folder.join("carrier.toml");
    std::fs::write(&path, text).expect("writable");
    let args = RunArgs {
        file: ConfigFileArgs { config: Some(path) },
        ..options
    };
    Config::load(&args, &Environment::default(), None, Ok)
}

#[test]
fn the_example_documents_the_defaults() {
    let example = include_str!("../../../carrier.example.toml");
    let config: Config = toml::from_str(example).expect("the example is valid");
    assert_eq!(config, Config::default());
}

#[test]
fn the_command_line_wins_over_the_file_and_the_file_over_the_default() {
    let options = RunArgs {
        media_port: Some(9001),
        ..RunArgs::default()
    };
    let text = "source = \"scene\"\nmedia_port = 9000\n[camera]\nfps = 15\n";
    let config = load(text, options).expect("valid");
    assert_eq!((config.source.as_str(), config.media_port), ("scene", 9001));
    assert_eq!((config.camera.fps, config.camera.width), (15, 1280));
}

#[test]
fn a_typo_names_the_file_the_line_and_the_known_keys() {
    let loaded = load("sorce = \"scene\"\n", RunArgs::default());
    let error = loaded.expect_err("a typo").to_string();
    assert!(error.contains("carrier.toml"), "{error}");
    assert!(
        error.contains("sorce") && error.contains("source"),
        "{error}"
    );
}

#[test]
fn a_missing_named_file_is_an_error_and_a_missing_default_file_is_not() {
    let gone = Path::new("/nowhere/carrier.toml");
    let args = RunArgs {
        file: ConfigFileArgs {
            config: Some(gone.to_owned()),
        },
        ..RunArgs::default()
    };
    assert!(Config::load(&args, &Environment::default(), None, Ok).is_err());
    assert!(Config::load(&RunArgs::default(), &Environment::default(), Some(gone), Ok).is_ok());
}

#[test]
fn values_out_of_range_are_named() {
    for (text, key) in [
        ("min_score = 1.5", "min_score"),
        ("renditions = []", "renditions"),
        (
            "renditions = [{ width = 640, height = 360, bitrate_bps = 3, fps = 30 }]",
            "renditions",
        ),
        (
            "renditions = [{ width = 640, height = 360, bitrate_bps = 90000, fps = 30 },\
             { width = 1280, height = 720, bitrate_bps = 900000, fps = 30 }]",
            "renditions",
        ),
        ("listen = \"8080\"", "listen"),
        ("listen_tls = \"localhost\"", "listen_tls"),
        ("[tls]\ncert = \"c.pem\"", "tls.key"),
        ("[viewers]\nmax = 0", "viewers.max"),
        ("[[ice_servers]]\nurls = []", "ice_servers"),
        ("device = \"tpu\"", "device"),
        ("admin_token = \"short\"", "admin_token"),
        ("whip_token = \"short\"", "whip_token"),
        ("[camera]\nfps = 0", "camera"),
        ("[[cameras]]\nname = \"front\"", "cameras"),
        ("[camera]\nrotation = 45", "camera.rotation"),
        ("[camera]\ncontrols = { gian = 1 }", "camera.controls"),
        ("[publish]\nurl = \"rtmp://a/b\"", "publish.url"),
        ("[booth]\nkeep_hours = 0", "booth.keep_hours"),
        ("[booth.frame]\nlogo = \"/gone.png\"", "booth.frame.logo"),
        ("[booth.print]\ncopies_max = 0", "booth.print.copies_max"),
        ("[events]\nmqtt = \"a\"", "events.mqtt"),
        ("[telemetry]\notlp = \"http://a:4317\"", "telemetry.otlp"),
        (
            "[events]\nmqtt_snapshot_s = 5\n[privacy]\nclose_after_idle_min = 5",
            "events.mqtt_snapshot_s",
        ),
        ("[wifi]\nssid = \"x\"", "wifi.password"),
        ("public_url = \"booth.example\"", "public_url"),
        ("data = \"\"", "data"),
        (
            "[power]\nsaver_below_percent = 96",
            "power.saver_below_percent",
        ),
        ("[power]\nlow_percent = 100", "power.low_percent"),
        ("[play]\ngroup_faces = 0", "play.group_faces"),
        ("[power]\nhot_celsius = 20", "power.hot_celsius"),
    ] {
        let loaded = load(text, RunArgs::default());
        let error = loaded.expect_err(text).to_string();
        assert!(error.starts_with(key), "{text}: {error}");
    }
}

#[test]
fn media_listens_where_the_pages_do() {
    let ip = |text: &str| {
        let config: Config = toml::from_str(text).expect("valid TOML");
        config.media_ip().expect("addresses").to_string()
    };
    assert_eq!(ip(""), "::");
    assert_eq!(ip("listen = \"127.0.0.1:8080\""), "127.0.0.1");
    assert_eq!(ip("listen = \"[::1]:8080\""), "::1");
    assert_eq!(ip("listen = \"0.0.0.0:8080\""), "0.0.0.0");
    let both = "listen = \"127.0.0.1:8080\"\nlisten_tls = \"[::]:8443\"";
    assert_eq!(ip(both), "::", "the pages are for others, too");
    let named = "listen = \"127.0.0.1:8080\"\n[network]\nmedia_listen = \"::\"";
    assert_eq!(ip(named), "::");
}

#[test]
fn the_example_documents_each_key() {
    let example = include_str!("../../../carrier.example.toml");
    let keys = SECTIONS.map(|(_, keys)| keys);
    let is_documented = |key: &&str| {
        let key = if *key == "loop_file" { "loop" } else { key };
        example.lines().any(|line| {
            let is_heading = line.starts_with('[');
            let line = line.trim_start_matches(['#', ' ', '[']);
            // The last part of the name of a section in a section.
            let line = line
                .rsplit('.')
                .next()
                .filter(|_| is_heading)
                .unwrap_or(line);
            let rest = line.strip_prefix(key);
            rest.is_some_and(|rest| rest.trim_start().starts_with(['=', ']', '.']))
        })
    };
    let missing: Vec<_> = keys
        .concat()
        .into_iter()
        .filter(|key| !is_documented(key))
        .collect();
    assert!(
        missing.is_empty(),
        "not in carrier.example.toml: {missing:?}"
    );
}

#[test]
fn variables_without_an_option_take_precedence_over_the_file() {
    let given = |text: &str| Some(text.to_owned());
    let environment = Environment {
        viewer_token: given("orchid-lantern-42"),
        whip_token: given("copper-ladder-17"),
        metrics_token: given("quiet-harbour-93"),
        comfyui: given("http://gpu.example:8188"),
        otlp: given("http://collector.example:4318"),
        ..Environment::default()
    };
    let config = Config::load(&RunArgs::default(), &environment, None, Ok).expect("valid");
    assert_eq!(config.viewers.token, environment.viewer_token);
    assert_eq!(config.whip_token, environment.whip_token);
    assert_eq!(config.http.metrics_token, environment.metrics_token);
    assert_eq!(config.stylise.comfyui, environment.comfyui);
    assert_eq!(config.telemetry.otlp, environment.otlp);
    let weak = Environment {
        metrics_token: given("12345678"),
        ..Environment::default()
    };
    let refused = Config::load(&RunArgs::default(), &weak, None, Ok);
    let said = refused.expect_err("easily guessed").to_string();
    assert!(said.starts_with("http.metrics_token"), "{said}");
}
