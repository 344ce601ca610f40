//! A ComfyUI process for tests.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Map, Value, json};
use uuid::Uuid;

pub(super) struct Server {
    port: u16,
    base: PathBuf,
    process: Child,
}

impl Server {
    pub(super) fn start() -> Self {
        let base = std::env::temp_dir().join(format!("carrier-comfyui-{}", Uuid::new_v4()));
        let nodes = base.join("custom_nodes");
        fs::create_dir_all(&nodes).expect("a temporary folder");
        let ours =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/comfyui/carrier_test_nodes.py");
        fs::copy(ours, nodes.join("carrier_test_nodes.py")).expect("copied");
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = free.local_addr().expect("bound").port();
        drop(free);
        let process = spawn(&base, port);
        Self {
            port,
            base,
            process,
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(super) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    pub(super) fn restart(&mut self) {
        self.process = spawn(&self.base, self.port);
    }

    pub(super) fn history(&self) -> Map<String, Value> {
        let url = format!("{}/history", self.url());
        let mut answer = ureq::get(&url).call().expect("the server answers");
        let history: Value = answer.body_mut().read_json().expect("JSON");
        history.as_object().cloned().expect("an object")
    }

    pub(super) fn ended_well(&self, id: &str) -> bool {
        let history = self.history();
        history
            .get(id)
            .is_some_and(|entry| entry["status"]["status_str"] == "success")
    }

    /// The number of executed orders, counted by carrier's test node. The server's log would count too, but
    /// some of its lines come after the history entry.
    pub(super) fn executions(&self) -> usize {
        let kept = fs::read_to_string(self.base.join("executions"));
        kept.map_or(0, |lines| lines.lines().count())
    }

    /// The files that are larger than the replacement of a visitor's picture.
    pub(super) fn pictures(&self) -> Vec<PathBuf> {
        let folders = ["temp", "input", "output"].map(|name| self.base.join(name));
        let entries = folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let files = entries.flatten().flatten().map(|entry| entry.path());
        let is_large = |file: &PathBuf| fs::metadata(file).is_ok_and(|it| it.len() > 2000);
        files.filter(is_large).collect()
    }

    /// Sends an order as another program would, without a WebSocket. ComfyUI of 2026 only accepts UUIDs.
    /// Returns the id.
    pub(super) fn foreign_order(&self, steps: u32) -> String {
        let id = Uuid::new_v4().to_string();
        let graph = json!({
            "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
            "2": {"class_type": "CarrierTestInvert",
                  "inputs": {"image": ["1", 0], "text": id, "seed": 0, "steps": steps, "step_ms": 250}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        });
        let answer = self.post_prompt(&json!({"prompt": graph, "prompt_id": id}));
        answer["prompt_id"].as_str().expect("a name").to_owned()
    }

    /// Sends a workflow as an order; returns the answer.
    pub(super) fn order(&self, graph: &Value) -> Value {
        self.post_prompt(&json!({"prompt": graph}))
    }

    fn post_prompt(&self, prompt: &Value) -> Value {
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        let agent = agent.build().new_agent();
        let answer = agent
            .post(format!("{}/prompt", self.url()))
            .send_json(prompt);
        answer
            .expect("an answer")
            .body_mut()
            .read_json()
            .expect("JSON")
    }

    /// Writes a file into the server's base folder.
    pub(super) fn put(&self, path: &str, bytes: &[u8]) {
        let path = self.base.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let log = fs::read_to_string(self.base.join("log")).unwrap_or_default();
            super::say(&format!("its log:\n{log}"));
        }
        let _ = fs::remove_dir_all(&self.base);
    }
}

fn spawn(base: &Path, port: u16) -> Child {
    let variable = |name: &str| {
        std::env::var_os(name)
            .unwrap_or_else(|| panic!("{name} is set: see scripts/test-comfyui.sh"))
    };
    let log = File::options()
        .create(true)
        .append(true)
        .open(base.join("log"));
    let log = log.expect("a log");
    Command::new(variable("COMFYUI_PYTHON"))
        .env("CARRIER_TEST_EXECUTIONS", base.join("executions"))
        .arg("main.py")
        .args([
            "--cpu",
            "--listen",
            "127.0.0.1",
            "--port",
            &port.to_string(),
        ])
        .args(["--preview-method", "latent2rgb", "--base-directory"])
        .arg(base)
        .current_dir(variable("COMFYUI_DIR"))
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a handle"))
        .stderr(log)
        .spawn()
        .expect("ComfyUI starts")
}
