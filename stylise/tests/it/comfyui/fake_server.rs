//! A fake server that speaks ComfyUI's protocol over real sockets, and misbehaves on command.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tungstenite::Message;

use super::http::{Request, answer, answer_endlessly};
use super::{sockets, work};

/// How the server behaves.
#[derive(Default)]
pub(super) struct Behaviour {
    /// Status and body that replace the answers of these routes.
    pub(super) refusals: HashMap<&'static str, (u16, String)>,
    /// Number of `POST /prompt` that are accepted without an answer.
    pub(super) lost_answers: u32,
    /// Number of `POST /prompt` that are lost with their connection.
    pub(super) lost_orders: u32,
    pub(super) no_sockets: bool,
    /// Sockets are accepted and stay silent, even to pings.
    pub(super) silent_sockets: bool,
    pub(super) out_of_memory: u32,
    pub(super) endless: Option<&'static str>,
    /// Connections are not served.
    pub(super) hangs: bool,
    /// Missing node classes.
    pub(super) lacks: Vec<&'static str>,
    /// Model files by folder. If empty, the route does not exist, as on old servers.
    pub(super) files: BTreeMap<&'static str, Vec<&'static str>>,
    /// Interrupts whatever runs, like servers before September 2025.
    pub(super) ignores_ids: bool,
    /// Assigns order ids itself and runs all outputs, like servers before July 2025.
    pub(super) names_orders: bool,
    /// The version that it reports.
    pub(super) version: Option<&'static str>,
    /// Stores an upload beside an existing file.
    pub(super) never_overwrites: bool,
    /// Changes the name of each photo.
    pub(super) renames: bool,
    pub(super) steps: u32,
    pub(super) step_ms: u64,
}

#[derive(Clone)]
pub(super) struct Item {
    pub(super) number: i64,
    pub(super) id: String,
    pub(super) client: String,
    pub(super) graph: Value,
    /// Output nodes.
    pub(super) outputs: Vec<String>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) behaviour: Behaviour,
    pub(super) pending: Vec<Item>,
    pub(super) running: Option<Item>,
    pub(super) interrupted: bool,
    pub(super) history: BTreeMap<String, Value>,
    /// Files by folder (`temp`, `input`, `output`) and path.
    pub(super) files: BTreeMap<(String, String), Vec<u8>>,
    pub(super) sockets: Vec<(String, Sender<Message>)>,
    /// First messages received on sockets.
    pub(super) greetings: Vec<String>,
    /// Ids of all accepted orders.
    pub(super) taken: Vec<String>,
    /// Ids of all orders that ran.
    pub(super) worked: Vec<String>,
    /// Headers of all requests.
    pub(super) headers: Vec<(String, String)>,
    next_number: i64,
}

pub(super) struct FakeServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) state: Mutex<State>,
    /// Set by [`FakeServer::die`]; replaced at a restart.
    dead: Mutex<Arc<AtomicBool>>,
    connections: Mutex<Vec<TcpStream>>,
}

impl FakeServer {
    pub(super) fn start() -> Self {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::default()),
            dead: Mutex::default(),
            connections: Mutex::default(),
        });
        shared.state().behaviour.steps = 4;
        shared.state().behaviour.step_ms = 40;
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let this = Self { address, shared };
        this.live(listener);
        this
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Queues an order of another client.
    pub(super) fn foreign_order(&self, id: &str) {
        self.state().enqueue(id, "somebody", json!({}));
    }

    /// Simulates a crash: queue, history, uploads and connections are gone.
    pub(super) fn die(&self) {
        self.shared.dead().store(true, SeqCst);
        let _ = TcpStream::connect(self.address);
        for connection in self.shared.connections.lock().expect("a lock").drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        let behaviour = std::mem::take(&mut self.state().behaviour);
        *self.state() = State {
            behaviour,
            ..State::default()
        };
    }

    pub(super) fn restart(&self) {
        *self.shared.dead.lock().expect("a lock") = Arc::default();
        let bind = || TcpListener::bind(self.address).ok();
        let mut listener = bind();
        super::eventually("its port again", || {
            listener = listener.take().or_else(bind);
            listener.is_some()
        });
        self.live(listener.expect("bound"));
    }

    fn live(&self, listener: TcpListener) {
        let dead = self.shared.dead();
        let shared = Arc::clone(&self.shared);
        let flag = Arc::clone(&dead);
        thread::spawn(move || accept(&listener, &shared, &flag));
        let shared = Arc::clone(&self.shared);
        thread::spawn(move || work::work(&shared, &dead));
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.die();
    }
}

impl Shared {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a lock")
    }

    fn dead(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.dead.lock().expect("a lock"))
    }
}

impl Item {
    /// The form used in queue and history.
    pub(super) fn as_json(&self) -> Value {
        json!([self.number, self.id, self.graph, {"client_id": self.client}, self.outputs])
    }
}

impl State {
    /// Visitors' pictures, recognised by being larger than their replacements.
    pub(super) fn pictures(&self) -> Vec<(String, String)> {
        let pictures = self.files.iter();
        let pictures = pictures.filter(|(_, bytes)| bytes.len() > 2000);
        pictures.map(|(at, _)| at.clone()).collect()
    }

    pub(super) fn enqueue(&mut self, id: &str, client: &str, graph: Value) -> i64 {
        let number = self.next_number;
        self.next_number += 1;
        self.pending.push(Item {
            number,
            id: id.to_owned(),
            client: client.to_owned(),
            outputs: work::outputs(&graph),
            graph,
        });
        self.taken.push(id.to_owned());
        number
    }

    /// Sends to the sockets of one client.
    pub(super) fn tell(&self, client: &str, message: &Message) {
        for (_, to) in self.sockets.iter().filter(|(name, _)| name == client) {
            let _ = to.send(message.clone());
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>, dead: &Arc<AtomicBool>) {
    for stream in listener.incoming() {
        if dead.load(SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        if let Ok(copy) = stream.try_clone() {
            shared.connections.lock().expect("a lock").push(copy);
        }
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            let _ = serve(stream, &shared);
        });
    }
}

fn serve(stream: TcpStream, shared: &Arc<Shared>) -> io::Result<()> {
    let mut start = [0; 7];
    while stream.peek(&mut start)? < start.len() {
        thread::sleep(Duration::from_millis(1));
    }
    while shared.state().behaviour.hangs {
        thread::sleep(Duration::from_millis(20));
    }
    if &start == b"GET /ws" {
        if shared.state().behaviour.no_sockets {
            return Ok(());
        }
        return sockets::serve(stream, shared);
    }
    let request = Request::read(&stream)?;
    shared.state().headers.extend(request.headers.clone());
    let refusal = shared
        .state()
        .behaviour
        .refusals
        .get(request.path.as_str())
        .cloned();
    if let Some((status, body)) = refusal {
        return answer(&stream, status, body.as_bytes());
    }
    if shared
        .state()
        .behaviour
        .endless
        .is_some_and(|path| request.path.starts_with(path))
    {
        return answer_endlessly(&stream);
    }
    match route(&request, &mut shared.state()) {
        Some((status, body)) => answer(&stream, status, &body),
        None => Ok(()),
    }
}

/// `None` closes the connection without an answer.
fn route(request: &Request, state: &mut State) -> Option<(u16, Vec<u8>)> {
    let json = |value: Value| Some((200, value.to_string().into_bytes()));
    let path: Vec<&str> = request.path.split('/').skip(1).collect();
    match (request.method.as_str(), path.as_slice()) {
        ("GET", ["system_stats"]) => {
            let version = state.behaviour.version.unwrap_or("0.33.0");
            json(json!({"system": {"comfyui_version": version}}))
        }
        ("GET", ["object_info", class]) => json(work::describe(class, &state.behaviour)),
        ("GET", ["models", folder]) => match state.behaviour.files.get(*folder) {
            Some(files) => json(json!(files)),
            None => Some((404, Vec::new())),
        },
        ("GET", ["queue"]) => {
            let item = |item: &Item| item.as_json();
            let running: Vec<_> = state.running.iter().map(item).collect();
            // The real queue is a heap, so its order is arbitrary.
            let pending: Vec<_> = state.pending.iter().rev().map(item).collect();
            json(json!({"queue_running": running, "queue_pending": pending}))
        }
        ("GET", ["history"]) => json(json!(state.history)),
        ("GET", ["history", id]) => {
            let entry = state.history.get(*id);
            json(entry.map_or(json!({}), |entry| json!({*id: entry})))
        }
        ("GET", ["view"]) => Some(view(request, state)),
        ("POST", ["upload", "image"]) => Some(work::upload(request, state)),
        ("POST", ["prompt"]) => work::order(request, state),
        ("POST", ["queue"]) => {
            let ids = deletions(request);
            state.pending.retain(|item| !ids.contains(&item.id));
            Some((200, Vec::new()))
        }
        ("POST", ["history"]) => {
            let ids = deletions(request);
            state.history.retain(|id, _| !ids.contains(id));
            Some((200, Vec::new()))
        }
        ("POST", ["interrupt"]) => {
            let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
            let named = body["prompt_id"].as_str();
            let is_running = state.running.as_ref().map(|item| item.id.as_str()) == named;
            assert!(
                named.is_some(),
                "an interrupt without an id stops other people's work"
            );
            state.interrupted |= is_running || state.behaviour.ignores_ids;
            Some((200, Vec::new()))
        }
        _ => Some((404, b"404: Not Found".to_vec())),
    }
}

fn view(request: &Request, state: &State) -> (u16, Vec<u8>) {
    let asked = |key: &str| {
        let pairs = url::form_urlencoded::parse(request.query.as_bytes());
        let mut values = pairs.filter(|(name, _)| name == key);
        let value = values.next().map(|(_, value)| value.into_owned());
        value.unwrap_or_default()
    };
    let path = work::path(&asked("subfolder"), &asked("filename"));
    let file = state.files.get(&(asked("type"), path));
    file.map_or((404, Vec::new()), |bytes| (200, bytes.clone()))
}

fn deletions(request: &Request) -> Vec<String> {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let list = body["delete"].as_array().cloned().unwrap_or_default();
    list.iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}
