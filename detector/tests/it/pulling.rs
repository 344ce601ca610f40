//! Downloads of a model from a correct server and from faulty ones.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use detector::{Manifest, ModelEntry, PullError, pull};

use crate::failures::Folder;

/// Any bytes; the entry pins their real hash.
const CONTENTS: &[u8] = b"the whole model";
/// `sha256sum` of them.
const SHA256: &str = "f8ed39269996b8f7df3bc99796c0d4ef8bcd42b3d5ae1bdecef8f5b1ca443990";

fn entry() -> ModelEntry {
    let manifest = Manifest::built_in().expect("valid");
    let mut entry = (**manifest.by_name("yolox_nano").expect("known")).clone();
    (entry.bytes, entry.sha256) = (Some(CONTENTS.len() as u64), Some(SHA256.to_owned()));
    entry
}

/// Answers one request with these bytes and closes the connection. The thread returns the path of the
/// request.
fn serve(answer: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}/mirror/", listener.local_addr().expect("bound"));
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).expect("request") == 1 {
            request.extend(byte);
        }
        stream.write_all(&answer).expect("answered");
        let text = String::from_utf8_lossy(&request);
        text.split(' ').nth(1).unwrap_or_default().to_owned()
    });
    (base, server)
}

fn answer(status: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn pulled(name: &str, answer: Vec<u8>) -> (Folder, Result<Vec<u8>, PullError>) {
    let (folder, (base, server)) = (Folder::new(name), serve(answer));
    let kept = folder.0.join("yolox_nano.onnx");
    std::fs::write(&kept, "the old one").expect("writable");
    let mut heard = (0, 0);
    let result = pull(&entry(), &folder.0, Some(&base), &mut |done, of| {
        heard = (done, of)
    });
    assert_eq!(server.join().expect("served"), "/mirror/yolox_nano.onnx");
    let contents = std::fs::read(&kept).expect("there");
    if result.is_err() {
        assert_eq!(contents, b"the old one", "a failed pull changes nothing");
    } else {
        assert_eq!(heard, (CONTENTS.len() as u64, CONTENTS.len() as u64));
    }
    let files = folder.0.read_dir().expect("there").count();
    assert_eq!(files, 1, "no parts are left behind");
    (folder, result.map(|_| contents))
}

#[test]
fn the_right_file_replaces_the_old_one() {
    let (_folder, result) = pulled("pull", answer("200 OK", CONTENTS.len(), CONTENTS));
    assert_eq!(result.expect("pulled"), CONTENTS);
}

#[test]
fn a_wrong_file_of_the_right_size_is_refused() {
    let wrong = b"the wrong model";
    let (_folder, result) = pulled("hash", answer("200 OK", wrong.len(), wrong));
    let error = result.expect_err("wrong hash");
    assert!(matches!(error, PullError::Hash { .. }), "{error}");
}

#[test]
fn a_transfer_that_is_cut_off_is_refused() {
    let (_folder, result) = pulled("cut", answer("200 OK", CONTENTS.len(), &CONTENTS[..5]));
    let error = result.expect_err("cut off");
    assert!(matches!(error, PullError::Size { got: 5, .. }), "{error}");
}

#[test]
fn a_transfer_that_does_not_end_is_refused() {
    let endless = b"x".repeat(200_000);
    let (_folder, result) = pulled("long", answer("200 OK", endless.len(), &endless));
    let error = result.expect_err("too long");
    assert!(matches!(error, PullError::Size { got: 16, .. }), "{error}");
}

#[test]
fn a_missing_file_names_its_address() {
    let (_folder, result) = pulled("gone", answer("404 Not Found", 0, b""));
    let error = result.expect_err("not there").to_string();
    assert!(
        error.contains("404") && error.contains("/mirror/yolox_nano.onnx"),
        "{error}"
    );
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
