//! The screen as a window under Xvfb, as a person in front of it sees it. Skipped where Xvfb or xwd is missing, and in
//! builds without windows.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::station::{SYSTEM, Station, agent, fresh_folder, get};
use crate::timing::HANG_TIMEOUT;

/// An X server of its own, which ends with the test.
struct XServer {
    child: Child,
    /// Such as `:7`.
    name: String,
}

impl XServer {
    /// `None`: it is not installed.
    fn start() -> Option<Self> {
        let mut child = Command::new("Xvfb")
            .args([
                "-displayfd",
                "1",
                "-screen",
                "0",
                "1280x800x24",
                "-nolisten",
                "tcp",
            ])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let mut number = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout)
            .read_line(&mut number)
            .expect("a number");
        let name = format!(":{}", number.trim());
        Some(Self { child, name })
    }

    /// What is on its screen; `None`: xwd is not installed.
    fn screenshot(&self) -> Option<Screenshot> {
        let taken = Command::new("xwd")
            .args(["-root", "-silent", "-display", &self.name])
            .output();
        Some(Screenshot(taken.ok()?.stdout))
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A picture in the format of xwd: a head of 32-bit numbers, a colour map, rows of pixels of 32 bits.
struct Screenshot(Vec<u8>);

impl Screenshot {
    fn number(&self, index: usize) -> usize {
        let bytes = self.0[index * 4..][..4].try_into().expect("four");
        u32::from_be_bytes(bytes) as usize
    }

    fn size(&self) -> (usize, usize) {
        (self.number(4), self.number(5))
    }

    /// Green stands for the brightness.
    fn green(&self, x: usize, y: usize) -> u8 {
        let pixels = self.number(0) + self.number(19) * 12;
        self.0[pixels + y * self.number(12) + x * 4 + 1]
    }

    /// The texts of the codes that a phone would read.
    fn codes(&self) -> Vec<String> {
        let (width, height) = self.size();
        let luma = |x, y| self.green(x, y);
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, luma);
        let mut texts: Vec<String> = image
            .detect_grids()
            .iter()
            .filter_map(|grid| Some(grid.decode().ok()?.1))
            .collect();
        texts.sort();
        texts
    }

    /// How bright the middle half of the screen is, and how much that varies.
    fn middle(&self) -> (f64, f64) {
        let (width, height) = self.size();
        let values: Vec<f64> = (height / 4..height / 2)
            .flat_map(|y| (width / 4..width / 2).map(move |x| (x, y)))
            .map(|(x, y)| f64::from(self.green(x, y)))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let away = values
            .iter()
            .map(|value| (value - mean).powi(2))
            .sum::<f64>();
        (mean, (away / values.len() as f64).sqrt())
    }
}

/// The value of a metric without labels, or the sum over all labels.
fn metric(station: &Station, name: &str) -> f64 {
    let (_, text) = get(&station.at("/metrics"));
    let values = text.lines().filter(|line| line.starts_with(name));
    values
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Waits until a screenshot shows what is wanted.
fn wait_for(server: &XServer, what: &str, wanted: impl Fn(&Screenshot) -> bool) -> Screenshot {
    let until = Instant::now() + HANG_TIMEOUT;
    loop {
        let screenshot = server.screenshot().expect("taken before");
        if wanted(&screenshot) {
            return screenshot;
        }
        assert!(Instant::now() < until, "not on the screen: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_window_shows_the_feed_and_codes_that_a_phone_can_read() {
    let Some(server) = XServer::start() else {
        println!("skipped: Xvfb is not installed");
        return;
    };
    if server.screenshot().is_none() {
        println!("skipped: xwd is not installed");
        return;
    }
    let config =
        "[wifi]\nssid = \"booth\"\npassword = \"correct horse\"\n[screen]\ntheme = \"dark\"\n";
    let station = Station::on_display(
        &server.name,
        config,
        &["--screen", "window", "--model", "none"],
    );
    if station.log().contains("this build has no windows") {
        println!("skipped: this build has no windows");
        return;
    }
    let page = station.at("/");
    let wifi = "WIFI:T:WPA;S:booth;P:correct horse;;".to_owned();
    wait_for(&server, "both codes", |shown| {
        let codes = shown.codes();
        codes.contains(&wifi)
            && codes
                .iter()
                .any(|code| page.starts_with(code.trim_end_matches('/')))
    });
    let (_, varies) = wait_for(&server, "the scene", |shown| shown.middle().1 > 10.0).middle();
    assert!(varies > 10.0, "{varies}");

    // It is watched, and nothing is encoded for it.
    let composed = metric(&station, "carrier_compose_frames_total");
    let until = Instant::now() + HANG_TIMEOUT;
    while metric(&station, "carrier_compose_frames_total") < composed + 10.0 {
        assert!(Instant::now() < until, "nothing is composed for the screen");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(metric(&station, "carrier_encode_pictures_total"), 0.0);
}

#[test]
fn a_browser_gets_the_layout_for_its_size_and_only_if_it_may_watch() {
    let home = fresh_folder();
    let battery = home.join(SYSTEM).join("sys/class/power_supply/BAT0");
    std::fs::create_dir_all(&battery).expect("writable");
    for (file, content) in [("type", "Battery"), ("capacity", "64")] {
        std::fs::write(battery.join(file), content).expect("writable");
    }
    let toml = "name = \"Hall 3\"\n[viewers]\ntoken = \"let-me-watch\"\n";
    let station = Station::in_folder(home, toml, &["--model", "none"]);
    let layout = |question: &str, token: &str| {
        let request = agent().get(station.at(&format!("/api/screen?{question}")));
        let request = request.header("Authorization", format!("Bearer {token}"));
        let mut answer = request.call().expect("an answer");
        let text = answer.body_mut().read_to_string().expect("text");
        (answer.status().as_u16(), text)
    };
    let (size, viewer) = ("width=1200&height=1920", "let-me-watch");
    let (status, text) = layout(size, viewer);
    assert_eq!(status, 200, "{text}");
    let layout_of_size: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(layout_of_size["feed"]["width"], 1200);
    assert!(
        text.contains("Hall 3") && text.contains("\"kind\":\"code\""),
        "{text}"
    );
    let (_, covered) = layout(&format!("{size}&codes=true"), viewer);
    assert!(covered.contains("\"feed\":null"), "{covered}");
    let (_, bright) = layout(&format!("{size}&theme=bright"), viewer);
    assert!(bright.contains("\"is_stretched\":true"), "{bright}");
    for wrong in ["width=0&height=10", "width=10", "width=99999&height=10"] {
        assert_eq!(layout(wrong, viewer).0, 400, "{wrong}");
    }
    assert_eq!(layout(size, "another").0, 401);
    // The state of the machine is for the owner.
    assert!(!text.contains("Battery"), "{text}");
    let (_, owners) = layout(size, &station.admin_token);
    assert!(owners.contains("Battery 64 %"), "{owners}");
}
