//! Network cameras that send one JPEG after the other over HTTP.

use std::io::Read;
use std::time::{Duration, Instant};

use crate::error::CaptureError;
use crate::jpeg::JpegDecoder;
use crate::multipart::{Cutter, boundary};
use crate::outlet::{Opened, Outlet};

/// To connect, and to begin an answer.
const CONNECT: Duration = Duration::from_secs(4);
/// Without a byte for this long the connection is dead. The card is up long before.
const IDLE: Duration = Duration::from_secs(4);
/// One read takes at most this, in bytes.
const READ_BYTES: usize = 64 << 10;

/// Reads until the stream ends or nobody wants it.
pub(crate) fn run(url: &str, name: String, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let (mut body, boundary) = connect(url, &name)?;
    let failed = |detail: String| CaptureError::StreamEnded {
        name: name.clone(),
        detail,
    };
    let mut decoder = JpegDecoder::new().map_err(|error| failed(error.to_string()))?;
    outlet.opened(Opened {
        source: name.clone(),
        fps: 0.0,
        camera: None,
    });
    let mut cutter = Cutter::new(boundary);
    let mut bytes = vec![0; READ_BYTES];
    while outlet.wanted() {
        let count = match body.read(&mut bytes) {
            Ok(0) => return Err(failed("the connection was closed".to_owned())),
            Ok(count) => count,
            Err(error) => return Err(failed(error.to_string())),
        };
        let captured_at = Instant::now();
        cutter.push(&bytes[..count]);
        // overflow: newest-wins (of several whole parts in one read only the last is decoded)
        let mut newest = None;
        while let Some(part) = cutter
            .next_part()
            .map_err(|error| failed(error.to_string()))?
        {
            newest = Some(part);
        }
        let Some(jpeg) = newest else { continue };
        if outlet.unseen() {
            continue;
        }
        match outlet.timed(|| decoder.decode(&jpeg, outlet.pool())) {
            Ok(picture) => outlet.publish(picture, captured_at),
            Err(error) => outlet.bad_picture(&error),
        }
    }
    Ok(())
}

fn connect(url: &str, name: &str) -> Result<(impl Read, Vec<u8>), CaptureError> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_resolve(Some(CONNECT))
        .timeout_connect(Some(CONNECT))
        .timeout_recv_response(Some(CONNECT))
        .timeout_per_read(Some(IDLE))
        // Cameras are near; a proxy meant for the web would not reach them.
        .proxy(None)
        .http_status_as_error(false)
        .build()
        .into();
    let response = agent
        .get(url)
        .call()
        .map_err(|error| CaptureError::Unreachable {
            name: name.to_owned(),
            detail: error.to_string(),
        })?;
    let no_stream = |detail| CaptureError::NoStream {
        name: name.to_owned(),
        detail,
    };
    let status = response.status();
    if !status.is_success() {
        return Err(no_stream(format!("it answers {status}")));
    }
    let header = response.headers().get("content-type");
    let content_type = header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let boundary = boundary(content_type).map_err(|error| no_stream(error.to_string()))?;
    Ok((response.into_body().into_reader(), boundary))
}
