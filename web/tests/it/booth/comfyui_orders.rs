//! Orders at a ComfyUI server while the station ends and starts again.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Form, ended, get, job, photo, post};
use super::comfyui_stub::{self, StubAnswer, answer_survey, json_answer};
use crate::station::{Station, fresh_folder};
use crate::timing::HANG_TIMEOUT;

/// What the server was asked, and how far it is.
#[derive(Default)]
struct Server {
    /// Ids of the accepted orders.
    orders: Vec<String>,
    /// Ids of those that are over.
    finished: Vec<String>,
    /// Requests that stop or remove orders.
    stops: Vec<String>,
    erased: Vec<String>,
}

/// Accepts orders, and finishes them when the test says so.
fn server() -> (String, Arc<Mutex<Server>>) {
    let server = Arc::new(Mutex::new(Server::default()));
    let shared = Arc::clone(&server);
    let url = comfyui_stub::start(move |method, path, body| {
        answer(method, path, body, &mut shared.lock().expect("a lock"))
    });
    (url, server)
}

fn answer(method: &str, path: &str, body: &[u8], server: &mut Server) -> StubAnswer {
    let sent: Value = serde_json::from_slice(body).unwrap_or_default();
    let body = match (method, path) {
        ("GET", "/queue") => {
            let ids = server.orders.iter();
            let running = ids.filter(|id| !server.finished.contains(id));
            let items = running.map(|id| json!([0, id, {}, {"client_id": id}, []]));
            json!({"queue_running": items.collect::<Vec<_>>(), "queue_pending": []})
        }
        ("POST", "/upload/image") => json!({"name": "photo.jpg", "subfolder": "", "type": "temp"}),
        ("POST", "/prompt") => {
            let id = sent["prompt_id"].as_str().expect("an id").to_owned();
            server.orders.push(id.clone());
            json!({"prompt_id": id, "number": 0, "node_errors": {}})
        }
        ("POST", "/history") => {
            let ids = sent["delete"].as_array().into_iter().flatten();
            let ids = ids.filter_map(Value::as_str).map(str::to_owned);
            server.erased.extend(ids);
            json!({})
        }
        ("POST", "/interrupt" | "/queue") => {
            server.stops.push(format!("{path} {sent}"));
            json!({})
        }
        ("GET", "/view") => return (200, photo(64, 48)),
        ("GET", path) if path.starts_with("/history/") => {
            let id = path.trim_start_matches("/history/");
            let pictures = json!([{"filename": "made.png", "subfolder": "", "type": "temp"}]);
            let entry = json!({"outputs": {"3": {"images": pictures}}, "status": {"status_str": "success"}});
            match server.finished.iter().any(|finished| finished == id) {
                true => json!({id: entry}),
                false => json!({}),
            }
        }
        _ => return answer_survey(method, path).unwrap_or((404, Vec::new())),
    };
    json_answer(&body)
}

fn write_workflow(folder: &Path) {
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "x"}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    });
    let toml = "title = \"T\"\nworkflow = \"t.json\"\noutput = \"3\"\n[bind]\nimage = \"1.image\"\n\
                [[styles]]\nid = \"theirs\"\ntitle = \"Theirs\"\n";
    std::fs::create_dir_all(folder).expect("a folder");
    std::fs::write(folder.join("t.json"), graph.to_string()).expect("written");
    std::fs::write(folder.join("t.toml"), toml).expect("written");
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + HANG_TIMEOUT;
    while !holds() {
        assert!(Instant::now() < until, "timed out waiting for: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_order_is_resumed_after_the_restart_and_never_sent_twice() {
    let (url, server) = server();
    let home = fresh_folder();
    write_workflow(&home.join("workflows"));
    let config = format!(
        "[stylise]\ncomfyui = \"{url}\"\nworkflows = \"{}\"\n",
        home.join("workflows").display()
    );
    let mut station = Station::in_folder(home, &config, &["--model", "none"]);
    eventually("the survey", || {
        get(&station, "/api/styles", &[]).json()["comfyui"] == "ready"
    });
    let orders = || server.lock().expect("a lock").orders.clone();
    let finish_all = || {
        let mut server = server.lock().expect("a lock");
        server.finished = server.orders.clone();
    };
    for ends_while_away in [true, false] {
        let before = orders().len();
        let id = post(&station, &Form::style("theirs").image(&photo(64, 48)), &[]).id();
        eventually("the order runs", || {
            orders().len() > before && job(&station, &id)["state"] == "running"
        });
        station.terminate();
        station.wait_for_end();
        if ends_while_away {
            finish_all();
        }
        station.start_again();
        if !ends_while_away {
            eventually("it is followed again", || {
                job(&station, &id)["state"] == "running"
            });
            finish_all();
        }
        let done = ended(&station, &id);
        assert_eq!(
            (&done["state"], &done["made_by"]),
            (&json!("done"), &json!("comfyui")),
            "{done}"
        );
        assert_eq!(orders().len(), before + 1, "sent once");
        let result = get(&station, done["result"].as_str().expect("an address"), &[]);
        assert!(result.body.starts_with(&[0xFF, 0xD8]), "a JPEG");
    }
    assert_eq!(server.lock().expect("a lock").stops, Vec::<String>::new());
    eventually("the history is erased", || {
        let server = server.lock().expect("a lock");
        server.orders.iter().all(|id| server.erased.contains(id))
    });
}
