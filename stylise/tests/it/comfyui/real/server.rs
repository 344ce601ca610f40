//! A ComfyUI process of the test's own.

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

    /// Orders that it ever ran since it was started: its own log tells of each.
    pub(super) fn executions(&self) -> usize {
        let log = fs::read_to_string(self.base.join("log")).expect("a log");
        log.matches("Prompt executed in").count()
    }

    /// As another program would, without a WebSocket.
    pub(super) fn foreign_order(&self, id: &str, steps: u32) {
        let graph = json!({
            "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
            "2": {"class_type": "CarrierTestInvert",
                  "inputs": {"image": ["1", 0], "text": id, "seed": 0, "steps": steps, "step_ms": 250}},
            "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}},
        });
        let url = format!("{}/prompt", self.url());
        let answer = ureq::post(&url).send_json(json!({"prompt": graph, "prompt_id": id}));
        answer.expect("taken");
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
