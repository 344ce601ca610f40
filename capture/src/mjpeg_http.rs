//! Network cameras that send one JPEG after the other over HTTP.

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::Response;

use crate::camera_http::{CameraHttp, content_type};
use crate::error::CaptureError;
use crate::jpeg::JpegDecoder;
use crate::jpeg_stream::{Cut, JpegStream};
use crate::outlet::{Opened, Outlet};

/// A camera that sends one picture a connection is asked no more often than this.
const BETWEEN_CONNECTIONS: Duration = Duration::from_millis(100);
/// One read takes at most this, in bytes.
const READ_BYTES: usize = 64 << 10;

/// Reads until the camera fails or nobody wants its pictures.
pub(crate) fn run(url: &str, name: String, outlet: &mut Outlet) -> Result<(), CaptureError> {
    let mut camera = CameraHttp::new(url, name.clone());
    outlet.on_revoked(camera.closer());
    let failed = |detail: String| CaptureError::StreamEnded {
        name: name.clone(),
        detail,
    };
    let mut decoder = JpegDecoder::new().map_err(|error| failed(error.to_string()))?;
    let mut is_announced = false;
    while outlet.wanted() {
        let connected_at = Instant::now();
        let response = camera.get()?;
        if !std::mem::replace(&mut is_announced, true) {
            outlet.opened(Opened {
                source: name.clone(),
                fps: 0.0,
                camera: None,
            });
        }
        let content_type = content_type(&response);
        let mut connection = Connection {
            stream: JpegStream::default(),
            decoder: &mut decoder,
            outlet,
            pictures: 0,
            bad: None,
        };
        let ended = connection.read(response);
        match (connection.pictures, connection.bad) {
            // Some cameras close the connection after each picture.
            (1.., _) => outlet.pause_until(connected_at + BETWEEN_CONNECTIONS),
            (0, Some(detail)) => {
                let name = name.clone();
                return Err(CaptureError::Unreadable { name, detail });
            }
            (0, None) => {
                let name = name.clone();
                let detail = format!("no picture came ({content_type}, {ended})");
                return Err(CaptureError::NoStream { name, detail });
            }
        }
    }
    Ok(())
}

/// One connection, from its first byte to its last.
struct Connection<'a> {
    stream: JpegStream,
    decoder: &'a mut JpegDecoder,
    outlet: &'a mut Outlet,
    pictures: u64,
    /// What was wrong with the last picture that could not be read.
    bad: Option<String>,
}

impl Connection<'_> {
    /// Reads to the end; how it ended.
    fn read(&mut self, response: Response<Body>) -> String {
        let mut body = response.into_body().into_reader();
        let mut bytes = vec![0; READ_BYTES];
        while self.outlet.wanted() {
            let count = match body.read(&mut bytes) {
                Ok(0) => {
                    let last = self.stream.finish();
                    self.show(last.into_iter().collect(), Instant::now());
                    return "the connection was closed".to_owned();
                }
                Ok(count) => count,
                Err(error) => return error.to_string(),
            };
            let captured_at = Instant::now();
            self.stream.push(&bytes[..count]);
            let cuts = std::iter::from_fn(|| self.stream.next_cut()).collect();
            self.show(cuts, captured_at);
        }
        String::new()
    }

    /// overflow: newest-wins (of several whole pictures in one read only the last is decoded)
    fn show(&mut self, cuts: Vec<Cut>, captured_at: Instant) {
        let mut newest = None;
        for cut in cuts {
            match cut {
                Cut::Picture(jpeg) => newest = Some(jpeg),
                Cut::NoPicture(why) => self.bad(why),
            }
        }
        let Some(jpeg) = newest else { return };
        if self.outlet.unseen() {
            self.pictures += 1;
            return;
        }
        let outlet = &mut *self.outlet;
        match outlet.timed(|| self.decoder.decode(&jpeg, outlet.pool())) {
            Ok(picture) => {
                self.pictures += 1;
                self.outlet.publish(picture, captured_at);
            }
            Err(error) => self.bad(error.to_string()),
        }
    }

    fn bad(&mut self, why: String) {
        self.outlet.bad_picture(&why);
        self.bad = Some(why);
    }
}
