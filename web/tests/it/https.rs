//! The pages over HTTPS, with a client that pins the certificate's fingerprint.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};
use sha2::{Digest, Sha256};

use crate::station::{Station, command, fresh_folder, get};
use crate::timing::HANG_TIMEOUT;

/// Accepts one certificate, by its SHA-256.
#[derive(Debug)]
struct Pinned {
    sha256: String,
    provider: CryptoProvider,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if fingerprint(end_entity) == self.sha256 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(CertificateError::ApplicationVerificationFailure.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let known = &self.provider.signature_verification_algorithms;
        known.supported_schemes()
    }
}

fn fingerprint(cert: &CertificateDer<'_>) -> String {
    let bytes = Sha256::digest(cert);
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

fn pinned(sha256: &str) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Pinned {
        sha256: sha256.to_owned(),
        provider: ring::default_provider(),
    })
}

fn connect(
    address: &str,
    name: &str,
    verifier: Arc<dyn ServerCertVerifier>,
) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring knows them")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from(name.to_owned()).expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    let mut tcp = TcpStream::connect(address)?;
    tcp.set_read_timeout(Some(HANG_TIMEOUT))?;
    while session.is_handshaking() {
        session.complete_io(&mut tcp)?;
    }
    Ok(StreamOwned::new(session, tcp))
}

/// Status line, headers and body of a GET, as they came.
fn ask(stream: &mut impl ReadWrite, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {}
        Err(error) => panic!("no answer: {error}"),
    }
    String::from_utf8_lossy(&answer).into_owned()
}

trait ReadWrite: Read + Write {}
impl<T: Read + Write> ReadWrite for T {}

/// A station with HTTPS, its HTTPS address, and the fingerprint that it printed.
fn station(toml: &str) -> (Station, String, String) {
    let args = ["--model", "none", "--listen-tls", "127.0.0.1:0"];
    let station = Station::configured(toml, &args);
    let url = station.printed(|word| word.starts_with("https://127.0.0.1"));
    let address = url.trim_start_matches("https://").trim_end_matches('/');
    let print = station.printed(|word| word.len() == 95 && word.split(':').count() == 32);
    (station, address.to_owned(), print)
}

#[test]
fn a_client_that_knows_the_fingerprint_gets_the_pages_and_another_does_not() {
    let (station, address, print) = station("[viewers]\ntoken = \"let-me-watch\"\n");
    let mut stream = connect(&address, "localhost", pinned(&print)).expect("shaken hands");
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
    let answer = ask(&mut stream, "/healthz");
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("ok\n"),
        "{answer}"
    );
    let mut stream = connect(&address, "localhost", pinned(&print)).expect("shaken hands");
    let page = ask(&mut stream, "/?token=let-me-watch");
    assert!(
        page.contains("set-cookie: __Host-carrier_viewer="),
        "{page}"
    );
    assert!(page.contains("SameSite=Strict; Secure\r\n"), "{page}");

    let other = print.replacen(
        &print[..2],
        if &print[..2] == "00" { "01" } else { "00" },
        1,
    );
    assert!(connect(&address, "localhost", pinned(&other)).is_err());
    let port = station.status()["https_port"].to_string();
    assert!(
        address.ends_with(&format!(":{port}")),
        "{address} is not {port}"
    );
}

#[test]
fn the_self_signed_certificate_is_private_valid_and_names_this_machine() {
    let (station, address, print) = station("[tls]\nself_signed = true\n");
    let file = station.home.join("STATE/carrier/self-signed.pem");
    let mode = std::fs::metadata(&file).expect("kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let cert = CertificateDer::from_pem_file(&file).expect("a certificate");
    assert_eq!(fingerprint(&cert), print);
    // A browser's checks of a certificate that was added to its roots.
    let mut roots = RootCertStore::empty();
    roots.add(cert).expect("well-formed");
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .expect("one root");
    for name in ["localhost", "127.0.0.1", "::1"] {
        let done = connect(&address, name, Arc::clone(&verifier) as Arc<_>);
        assert!(done.is_ok(), "{name}: {:?}", done.err());
    }
    let stranger = connect(&address, "elsewhere.example", verifier);
    assert!(stranger.is_err());
}

#[test]
fn a_failed_tls_handshake_affects_no_other_connection() {
    let (mut station, address, print) = station("");
    let silent: Vec<TcpStream> = (0..300)
        .map(|_| TcpStream::connect(&address).expect("connected"))
        .collect();
    let mut plain = TcpStream::connect(&address).expect("connected");
    plain.set_read_timeout(Some(HANG_TIMEOUT)).expect("set");
    assert!(!ask(&mut plain, "/healthz").contains("HTTP/1.1 200"));
    let mut cut_off = TcpStream::connect(&address).expect("connected");
    cut_off.write_all(&[22, 3, 1, 2, 0, 1]).expect("sent");
    drop(cut_off);

    let mut stream = connect(&address, "localhost", pinned(&print)).expect("shaken hands");
    assert!(ask(&mut stream, "/healthz").starts_with("HTTP/1.1 200"));
    let metrics = get(&station.at("/metrics")).1;
    for outcome in ["Done", "Failed"] {
        let line = format!("carrier_tls_handshakes_total{{outcome=\"{outcome}\"}}");
        assert!(metrics.contains(&line), "{outcome}: {metrics}");
    }
    drop(silent);
    station.assert_feed_runs();
}

#[test]
fn files_that_are_missing_or_do_not_belong_together_are_named_at_the_start() {
    let home = fresh_folder();
    let pem = |name: &str| {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let cert = params.self_signed(&key).expect("signed");
        let file = |kind: &str, text: String| {
            let path = home.join(format!("{name}.{kind}.pem"));
            std::fs::write(&path, text).expect("written");
            path
        };
        (file("cert", cert.pem()), file("key", key.serialize_pem()))
    };
    let complaint = |cert: &Path, key: &Path| {
        let file = home.join("my.toml");
        let toml = format!("[tls]\ncert = {cert:?}\nkey = {key:?}\n");
        std::fs::write(&file, toml).expect("written");
        let output = command(&home)
            .args([
                "--source",
                "scene",
                "--listen",
                "127.0.0.1:0",
                "--listen-tls",
                "127.0.0.1:0",
            ])
            .arg("--config")
            .arg(&file)
            .output()
            .expect("runs");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let ((cert, key), (_, other)) = (pem("one"), pem("two"));
    let gone = complaint(&home.join("gone.pem"), &key);
    assert!(
        gone.contains("tls.cert") && gone.contains("gone.pem"),
        "{gone}"
    );
    let mixed = complaint(&cert, &other);
    assert!(
        mixed.contains("is not the key of") && mixed.contains("two.key.pem"),
        "{mixed}"
    );
    let swapped = complaint(&key, &cert);
    assert!(
        swapped.contains("one.key.pem holds no certificate"),
        "{swapped}"
    );
    std::fs::remove_dir_all(home).expect("cleaned");
}
