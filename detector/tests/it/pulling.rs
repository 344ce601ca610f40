//! Downloads of a model from a correct server and from faulty ones.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use detector::{Manifest, ModelEntry, PullError, Pulled, pull};

use crate::failures::Folder;

/// Any bytes; the entry pins their real hash.
const CONTENTS: &[u8] = b"the whole model";
/// `sha256sum` of them.
const SHA256: &str = "f8ed39269996b8f7df3bc99796c0d4ef8bcd42b3d5ae1bdecef8f5b1ca443990";
/// The name of a download that is not complete.
const PART: &str = ".yolox_nano.onnx.f8ed3926.part";

fn entry() -> ModelEntry {
    let manifest = Manifest::built_in().expect("valid");
    let mut entry = (**manifest.by_name("yolox_nano").expect("known")).clone();
    (entry.bytes, entry.sha256) = (Some(CONTENTS.len() as u64), Some(SHA256.to_owned()));
    entry
}

/// The first byte that a request asks for; `None`: all.
type Asked = Option<usize>;

/// A server that answers each request with what `answer` makes of it, and notes what was asked for.
struct Server {
    base: String,
    asked: Arc<Mutex<Vec<(String, Asked)>>>,
}

impl Server {
    fn start(answer: impl Fn(usize, Asked) -> Vec<u8> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let base = format!("http://{}/mirror/", listener.local_addr().expect("bound"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        // Ends with the process.
        std::thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let mut stream = stream.expect("a client");
                let (path, from) = request(&mut stream);
                noted.lock().expect("whole").push((path, from));
                // A client that has what it wants closes its end.
                let _ = stream.write_all(&answer(number, from));
            }
        });
        Self { base, asked }
    }

    fn asked(&self) -> Vec<Asked> {
        let asked = self.asked.lock().expect("whole");
        assert!(
            asked
                .iter()
                .all(|(path, _)| path == "/mirror/yolox_nano.onnx"),
            "{asked:?}"
        );
        asked.iter().map(|(_, from)| *from).collect()
    }
}

fn request(stream: &mut TcpStream) -> (String, Asked) {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("request") == 1 {
        request.extend(byte);
    }
    let text = String::from_utf8_lossy(&request).to_lowercase();
    let range = text.split("range: bytes=").nth(1);
    let from = range.and_then(|range| range.split('-').next()?.parse().ok());
    (text.split(' ').nth(1).unwrap_or_default().to_owned(), from)
}

fn answer(head: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn whole(_: usize, _: Asked) -> Vec<u8> {
    answer("200 OK", CONTENTS.len(), CONTENTS)
}

/// What is asked for, at most `most` bytes of it before the connection ends.
fn ranged(most: usize, asked: Asked) -> Vec<u8> {
    let from = asked.unwrap_or(0);
    let rest = &CONTENTS[from.min(CONTENTS.len())..];
    let head = match asked {
        None => "200 OK".to_owned(),
        Some(from) => {
            let (last, all) = (CONTENTS.len() - 1, CONTENTS.len());
            format!("206 Partial Content\r\nContent-Range: bytes {from}-{last}/{all}")
        }
    };
    answer(&head, rest.len(), &rest[..most.min(rest.len())])
}

struct Home(Folder);

impl Home {
    /// With an older model of that name.
    fn new(name: &str) -> Self {
        let folder = Folder::new(name);
        std::fs::write(folder.0.join("yolox_nano.onnx"), "the old one").expect("writable");
        Self(folder)
    }

    fn model(&self) -> Vec<u8> {
        std::fs::read(self.path("yolox_nano.onnx")).expect("there")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    fn put_part(&self, contents: &[u8]) {
        std::fs::write(self.path(PART), contents).expect("writable");
    }

    fn part(&self) -> Option<Vec<u8>> {
        std::fs::read(self.path(PART)).ok()
    }

    /// Checks that a failure changes nothing, and that success leaves nothing else behind.
    fn pull(&self, server: &Server) -> Result<Pulled, PullError> {
        let mut heard = (0, 0);
        let result = pull(&entry(), &self.0.0, Some(&server.base), &mut |done, of| {
            heard = (done, of);
        });
        match &result {
            Err(_) => assert_eq!(
                self.model(),
                b"the old one",
                "a failed pull changes nothing"
            ),
            Ok(_) => {
                assert_eq!(self.model(), CONTENTS);
                assert_eq!(heard, (CONTENTS.len() as u64, CONTENTS.len() as u64));
                let files = self.0.0.read_dir().expect("there").count();
                assert_eq!(files, 1, "no parts are left behind");
            }
        }
        result
    }
}

#[test]
fn the_right_file_replaces_the_old_one_and_is_not_fetched_again() {
    let (home, server) = (Home::new("pull"), Server::start(whole));
    assert!(!home.pull(&server).expect("pulled").was_there);
    let again = pull(&entry(), &home.0.0, Some(&server.base), &mut |_, _| ());
    let path = home.path("yolox_nano.onnx");
    let was_there = true;
    assert_eq!(again.expect("there"), Pulled { path, was_there });
    assert_eq!(server.asked(), [None]);
}

#[test]
fn a_transfer_that_breaks_off_is_continued_where_it_broke() {
    let (home, server) = (
        Home::new("broken"),
        Server::start(|_, asked| ranged(6, asked)),
    );
    home.pull(&server).expect("pulled in three parts");
    assert_eq!(server.asked(), [None, Some(6), Some(12)]);
}

#[test]
fn what_has_come_is_kept_for_the_next_pull() {
    let home = Home::new("kept");
    // The server is gone after a few bytes.
    let dying = Server::start(|number, asked| match number {
        0 => ranged(5, asked),
        _ => answer("503 Service Unavailable", 0, b""),
    });
    let error = home.pull(&dying).expect_err("broken");
    assert!(error.to_string().contains("503"), "{error}");
    assert_eq!(home.part().as_deref(), Some(&CONTENTS[..5]));
    let server = Server::start(|_, asked| ranged(99, asked));
    home.pull(&server).expect("continued");
    assert_eq!(server.asked(), [Some(5)]);
}

#[test]
fn a_transfer_that_stays_broken_says_how_far_it_came() {
    let (home, server) = (
        Home::new("stuck"),
        Server::start(|_, asked| match asked {
            None => ranged(5, asked),
            Some(_) => ranged(0, asked),
        }),
    );
    let error = home.pull(&server).expect_err("stuck");
    assert!(
        matches!(
            error,
            PullError::Broken {
                got: 5,
                wanted: 15,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        server.asked(),
        [None, Some(5)],
        "no attempt without progress"
    );
}

#[test]
fn a_server_that_cannot_continue_begins_again() {
    let (home, server) = (Home::new("no-ranges"), Server::start(whole));
    home.put_part(b"the who");
    home.pull(&server).expect("pulled");
    assert_eq!(server.asked(), [Some(7)]);
    let (home, server) = (
        Home::new("refused-range"),
        Server::start(|_, asked| match asked {
            Some(_) => answer("416 Range Not Satisfiable", 0, b""),
            None => ranged(99, None),
        }),
    );
    home.put_part(b"the who");
    home.pull(&server).expect("pulled");
    assert_eq!(server.asked(), [Some(7), None]);
}

#[test]
fn a_beginning_of_another_file_is_thrown_away() {
    let (home, server) = (
        Home::new("other-part"),
        Server::start(|_, asked| ranged(99, asked)),
    );
    home.put_part(b"something");
    home.pull(&server).expect("pulled from the beginning");
    assert_eq!(server.asked(), [Some(9), None]);
    home.put_part(b"something that is longer than the model");
    std::fs::write(home.path("yolox_nano.onnx"), "the old one").expect("writable");
    home.pull(&server).expect("pulled from the beginning");
    assert_eq!(server.asked(), [Some(9), None, None]);
}

#[test]
fn a_part_that_is_whole_needs_no_server() {
    let (home, server) = (Home::new("whole-part"), Server::start(whole));
    home.put_part(CONTENTS);
    pull(&entry(), &home.0.0, Some(&server.base), &mut |_, _| ()).expect("verified");
    assert_eq!(
        (home.model().as_slice(), server.asked().len()),
        (CONTENTS, 0)
    );
}

#[test]
fn two_pulls_of_one_model_do_not_mix() {
    let (home, server) = (Home::new("busy"), Server::start(whole));
    home.put_part(b"the");
    let other = std::fs::File::open(home.path(PART)).expect("there");
    other.lock().expect("a lock");
    let error = home.pull(&server).expect_err("busy");
    assert!(matches!(error, PullError::Busy { .. }), "{error}");
    assert_eq!(home.part().as_deref(), Some(&b"the"[..]));
    drop(other);
    home.pull(&server).expect("free");
}

#[test]
fn a_wrong_file_of_the_right_size_is_refused() {
    let wrong = b"the wrong model";
    let (home, server) = (
        Home::new("hash"),
        Server::start(move |_, _| answer("200 OK", wrong.len(), wrong)),
    );
    let error = home.pull(&server).expect_err("wrong hash");
    assert!(matches!(error, PullError::Hash { .. }), "{error}");
    assert_eq!((home.part(), server.asked()), (None, vec![None]));
}

#[test]
fn a_transfer_that_does_not_end_is_refused() {
    let endless = b"x".repeat(200_000);
    let (home, server) = (
        Home::new("long"),
        Server::start(move |_, _| answer("200 OK", endless.len(), &endless)),
    );
    let error = home.pull(&server).expect_err("too long");
    assert!(
        matches!(error, PullError::TooLong { wanted: 15, .. }),
        "{error}"
    );
    assert_eq!(home.part(), None);
}

#[test]
fn a_missing_file_names_its_address() {
    let (home, server) = (
        Home::new("gone"),
        Server::start(|_, _| answer("404 Not Found", 0, b"")),
    );
    let error = home.pull(&server).expect_err("not there").to_string();
    assert!(
        error.contains("404") && error.contains("/mirror/yolox_nano.onnx"),
        "{error}"
    );
    assert_eq!(home.part(), None);
}

#[test]
fn no_server_and_no_source_are_told_apart() {
    let folder = Folder::new("nobody");
    let nobody = TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("bound");
    let base = format!("http://{nobody}");
    let error = pull(&entry(), &folder.0, Some(&base), &mut |_, _| ()).expect_err("nobody listens");
    assert!(matches!(error, PullError::Fetch { .. }), "{error}");

    let unpublished = ModelEntry {
        url: None,
        ..entry()
    };
    let error = pull(&unpublished, &folder.0, None, &mut |_, _| ()).expect_err("no address");
    assert!(error.to_string().contains("CARRIER_MODELS_URL"), "{error}");
}
