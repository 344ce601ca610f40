//! MQTT, against Debian's mosquitto.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::set_shutter;
use crate::station::{Station, agent, fresh_folder};
use crate::timing::HANG_TIMEOUT;

const PASSWORD: &str = "orchid@lantern";

/// A broker that asks for a password and keeps nothing over a restart.
struct Broker {
    child: Child,
    port: u16,
    folder: PathBuf,
}

/// `None`: it is not installed. Debian puts it where only root's PATH looks.
fn mosquitto() -> Option<&'static str> {
    let is_there = |name: &&str| Command::new(name).arg("-h").output().is_ok();
    let clients = ["mosquitto_sub", "mosquitto_pub", "mosquitto_passwd"];
    let found = ["mosquitto", "/usr/sbin/mosquitto"]
        .into_iter()
        .find(is_there);
    let found = found.filter(|_| clients.iter().all(is_there));
    if found.is_none() {
        println!("skipped: mosquitto and mosquitto-clients are not installed");
    }
    found
}

fn spawn(program: &str, folder: &std::path::Path) -> Child {
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    Command::new(program)
        .arg("-c")
        .arg(folder.join("mosquitto.conf"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}

impl Broker {
    fn start(program: &str) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let folder = fresh_folder();
        let passwords = folder.join("passwords");
        let made = Command::new("mosquitto_passwd")
            .args(["-b", "-c"])
            .arg(&passwords)
            .args(["me", PASSWORD])
            .status();
        assert!(made.expect("it runs").success());
        // As root it would become another user, who cannot read the folder.
        let config = format!(
            "listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {}\nuser root\n",
            passwords.display()
        );
        std::fs::write(folder.join("mosquitto.conf"), config).expect("written");
        let child = spawn(program, &folder);
        let broker = Self {
            child,
            port,
            folder,
        };
        broker.wait();
        broker
    }

    fn wait(&self) {
        let until = Instant::now() + HANG_TIMEOUT;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "the broker does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn restart(&mut self, program: &str) {
        self.child.kill().expect("our child");
        self.child.wait().expect("our child");
        self.child = spawn(program, &self.folder);
        self.wait();
    }

    fn client(&self, program: &str, args: &[&str]) -> Output {
        Command::new(program)
            .args(["-h", "127.0.0.1", "-p", &self.port.to_string()])
            .args(["-u", "me", "-P", PASSWORD])
            .args(args)
            .output()
            .expect("it runs")
    }

    /// Waits until a retained topic has this payload.
    fn wait_for(&self, topic: &str, payload: &str) {
        let until = Instant::now() + HANG_TIMEOUT;
        loop {
            let now = self.retained(topic).remove(topic);
            if now.as_deref() == Some(payload) {
                return;
            }
            assert!(Instant::now() < until, "{topic} is {now:?}, not {payload}");
        }
    }

    /// The retained messages of these topics.
    fn retained(&self, topics: &str) -> BTreeMap<String, String> {
        let args = ["-v", "-t", topics, "--retained-only", "-W", "1"];
        let output = self.client("mosquitto_sub", &args);
        let text = String::from_utf8(output.stdout).expect("text");
        let messages = text.lines().filter_map(|line| line.split_once(' '));
        messages
            .map(|(topic, payload)| (topic.to_owned(), payload.to_owned()))
            .collect()
    }

    fn publish(&self, topic: &str, payload: &str) {
        let output = self.client("mosquitto_pub", &["-q", "1", "-t", topic, "-m", payload]);
        assert!(output.status.success(), "{output:?}");
    }

    fn config(&self, more: &str) -> String {
        let password = PASSWORD.replace('@', "%40");
        let port = self.port;
        format!(
            "name = 'Hall 2'\n[events]\nmqtt = 'mqtt://me:{password}@127.0.0.1:{port}'\n\
             mqtt_node = 'hall'\n{more}"
        )
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn shutter(station: &Station) -> Value {
    let owner = format!("Bearer {}", station.admin_token);
    let asked = agent().get(station.at("/api/shutter"));
    let mut answer = asked
        .header("Authorization", owner)
        .call()
        .expect("an answer");
    let text = answer.body_mut().read_to_string().expect("text");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn home_assistant_finds_the_station_and_switches_the_shutter() {
    let Some(program) = mosquitto() else {
        return;
    };
    let mut broker = Broker::start(program);
    // A command from an unknown time is not followed.
    let retained = ["-r", "-t", "carrier/hall/shutter/set", "-m", "closed"];
    assert!(broker.client("mosquitto_pub", &retained).status.success());
    let config = broker.config("mqtt_commands = true\nmqtt_snapshot_s = 1\n");
    let station = Station::configured(&config, &["--model", "none"]);
    broker.wait_for("carrier/hall/availability", "online");
    broker.wait_for("carrier/hall/source", "live");
    let found = broker.retained("homeassistant/#");
    let entity = |topic: &str| -> Value {
        let payload = &found[&format!("homeassistant/{topic}/config")];
        serde_json::from_str(payload).expect("JSON")
    };
    let switch = entity("switch/carrier_hall/shutter");
    assert_eq!(switch["device"]["name"], "Hall 2");
    assert_eq!(switch["availability_topic"], "carrier/hall/availability");
    let camera = entity("camera/carrier_hall/picture");
    assert_eq!(camera["topic"], "carrier/hall/picture");
    for sensor in ["privacy", "power", "source", "viewers"] {
        let of = entity(&format!("sensor/carrier_hall/{sensor}"));
        assert_eq!(of["state_topic"], format!("carrier/hall/{sensor}"));
    }
    let state = broker.retained("carrier/hall/#");
    for (part, value) in [
        ("shutter", "open"),
        ("viewers", "0"),
        ("privacy", "open"),
        ("power", "full"),
        ("battery", "ok"),
    ] {
        assert_eq!(state[&format!("carrier/hall/{part}")], value, "{part}");
    }
    assert!(!state.contains_key("carrier/hall/picture"), "not retained");

    let picture = ["-t", "carrier/hall/picture", "-C", "1", "-W", "60", "-N"];
    let jpeg = broker.client("mosquitto_sub", &picture).stdout;
    let picture = image::load_from_memory(&jpeg).expect("a JPEG");
    assert_eq!((picture.width(), picture.height()), (1280, 720));

    let command = switch["command_topic"].as_str().expect("text");
    let close = switch["payload_on"].as_str().expect("text");
    broker.publish(command, "ajar");
    broker.publish(command, close);
    broker.wait_for("carrier/hall/shutter", "closed");
    let closed = shutter(&station);
    assert_eq!(
        (&closed["by"], &closed["who"]),
        (&"person".into(), &"mqtt".into())
    );
    broker.publish(command, switch["payload_off"].as_str().expect("text"));
    broker.wait_for("carrier/hall/shutter", "open");

    broker.restart(program);
    broker.wait_for("carrier/hall/availability", "online");
    broker.wait_for("carrier/hall/shutter", "open");
    assert!(!broker.retained("homeassistant/#").is_empty());
    set_shutter(&station, true);
    broker.wait_for("carrier/hall/shutter", "closed");
    assert!(!station.log().contains(PASSWORD) && !station.log().contains("%40"));
    drop(station);
    broker.wait_for("carrier/hall/availability", "offline");
}

#[test]
fn commands_are_not_taken_unless_the_owner_says_so() {
    let Some(program) = mosquitto() else {
        return;
    };
    let broker = Broker::start(program);
    // What an earlier configuration announced.
    let switch = "homeassistant/switch/carrier_hall/shutter/config";
    broker.client("mosquitto_pub", &["-r", "-t", switch, "-m", "{}"]);
    assert!(broker.retained("homeassistant/#").contains_key(switch));
    let station = Station::configured(&broker.config(""), &["--model", "none"]);
    broker.wait_for("carrier/hall/availability", "online");
    let found = broker.retained("homeassistant/#");
    assert!(!found.contains_key(switch), "{found:?}");
    assert!(found.contains_key("homeassistant/binary_sensor/carrier_hall/shutter/config"));
    assert!(!found.contains_key("homeassistant/camera/carrier_hall/picture/config"));
    broker.publish("carrier/hall/shutter/set", "closed");
    // Later than the command by a whole round.
    let mut viewers = broker.retained("carrier/hall/viewers");
    assert_eq!(viewers.remove("carrier/hall/viewers").as_deref(), Some("0"));
    assert_eq!(shutter(&station)["closed"], false);
}
