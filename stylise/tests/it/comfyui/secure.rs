//! HTTPS and WSS with a private certificate authority.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use stylise::comfyui::{Comfyui, ComfyuiSettings, survey};
use stylise::{JobId, Progress, Stylist};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::{eventually, order, settings, workflow};

struct Pem(PathBuf);

impl Drop for Pem {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A TLS proxy in front of the server; returns its port and certificate.
fn proxy(server: &FakeServer) -> (u16, Pem) {
    let made =
        rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let pem = Pem(std::env::temp_dir().join(format!("carrier-{}.pem", JobId::random())));
    std::fs::write(&pem.0, made.cert.pem()).expect("writable");
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .expect("a pair");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let upstream = server.address();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || relay(client, config, upstream));
        }
    });
    (port, pem)
}

fn relay(client: TcpStream, config: Arc<ServerConfig>, upstream: SocketAddr) -> io::Result<()> {
    let mut server = TcpStream::connect(upstream)?;
    let moment = Some(Duration::from_millis(2));
    client.set_read_timeout(moment)?;
    server.set_read_timeout(moment)?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut client = StreamOwned::new(connection, client);
    loop {
        pass(&mut client, &mut server)?;
        pass(&mut server, &mut client)?;
    }
}

fn pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    match from.read(&mut buffer) {
        Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(length) => {
            to.write_all(&buffer[..length])?;
            to.flush()
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        Err(error) => Err(error),
    }
}

#[test]
fn only_the_configured_authority_is_trusted() {
    let server = FakeServer::start();
    let (port, pem) = proxy(&server);
    let strange = settings(&format!("https://localhost:{port}"));
    let told = survey(&strange, &[]).expect("valid settings");
    assert!(told.is_err(), "an unknown authority");
    let trusting = ComfyuiSettings {
        ca: Some(pem.0.clone()),
        ..strange
    };
    let client = Comfyui::connect(&trusting, vec![workflow()], None).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    let stepped = notes.has_told(|told| *told == Progress::Running { step: 3, steps: 4 });
    assert!(
        stepped,
        "the socket goes the same way: {:?}",
        notes.progress
    );
}
