//! Network cameras that send JPEGs over HTTP (`multipart/x-mixed-replace` and its relatives).

mod splitter;

use std::io::Read;
use std::time::{Duration, Instant};

use ureq::Body;
use ureq::http::Response;

use super::camera_http::{CameraHttp, content_type};
use super::kind::{Request, SourceKind, host_of, http_address};
use super::output::{OpenedSource, SourceOutput};
use super::stall::{LONGEST_INTERVAL, StallLimits};
use crate::error::CaptureError;
use crate::jpeg::JpegDecoder;
use splitter::{Cut, JpegSplitter};

/// Least time between two connections to a camera that sends one picture for each.
const CONNECTION_INTERVAL: Duration = Duration::from_millis(100);
/// Size of one read.
const READ_BYTES: usize = 64 << 10;

pub(super) static KIND: SourceKind = SourceKind {
    label: "mjpeg",
    keyword: Some("mjpeg"),
    forms: "mjpeg:http://…",
    needs: "an http:// or https:// address",
    example: "mjpeg:http://192.168.1.20/stream",
    parse: http_address,
    plain_name: |url| format!("camera at {}", host_of(url)),
    // A slow network camera sends a few pictures a minute, and its interval is not known before the
    // second picture.
    limits: StallLimits {
        opening_notice: Some(Duration::from_secs(5)),
        first_interval: Duration::from_secs(6),
        second_frame: Some(LONGEST_INTERVAL),
        ..StallLimits::new(Duration::from_secs(30), Duration::from_secs(5))
    },
    run,
};

fn run(request: &Request, output: &mut SourceOutput) -> Result<(), CaptureError> {
    let name = request.name.clone();
    let mut camera = CameraHttp::new(&request.address, name.clone());
    output.on_cancel(camera.closer());
    let failed = |detail: String| CaptureError::StreamEnded {
        name: name.clone(),
        detail,
    };
    let mut decoder = JpegDecoder::new().map_err(|error| failed(error.to_string()))?;
    let mut is_announced = false;
    while output.is_wanted() {
        let connected_at = Instant::now();
        let response = camera.get()?;
        if !std::mem::replace(&mut is_announced, true) {
            output.announce(OpenedSource {
                source: name.clone(),
                fps: 0.0,
                camera: None,
            });
        }
        let content_type = content_type(&response);
        let mut connection = Connection {
            splitter: JpegSplitter::default(),
            decoder: &mut decoder,
            output,
            pictures: 0,
            bad: None,
        };
        let ended = connection.read(response);
        match (connection.pictures, connection.bad) {
            // Some cameras close the connection after each picture, so it is opened again.
            (1.., _) => output.pause_until(connected_at + CONNECTION_INTERVAL),
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

struct Connection<'a> {
    splitter: JpegSplitter,
    decoder: &'a mut JpegDecoder,
    output: &'a mut SourceOutput,
    pictures: u64,
    /// Why the last undecodable picture could not be decoded.
    bad: Option<String>,
}

impl Connection<'_> {
    /// Publishes the pictures until the connection ends, and returns how it ended.
    fn read(&mut self, response: Response<Body>) -> String {
        let mut body = response.into_body().into_reader();
        let mut bytes = vec![0; READ_BYTES];
        while self.output.is_wanted() {
            let count = match body.read(&mut bytes) {
                Ok(0) => {
                    let last = self.splitter.finish();
                    self.show(last.into_iter().collect(), Instant::now());
                    return "the connection was closed".to_owned();
                }
                Ok(count) => count,
                Err(error) => return error.to_string(),
            };
            let captured_at = Instant::now();
            self.splitter.push(&bytes[..count]);
            let cuts = std::iter::from_fn(|| self.splitter.next_cut()).collect();
            self.show(cuts, captured_at);
        }
        String::new()
    }

    /// overflow: newest-wins (of several complete pictures in one read only the last is decoded)
    fn show(&mut self, cuts: Vec<Cut>, captured_at: Instant) {
        let mut newest = None;
        for cut in cuts {
            match cut {
                Cut::Picture(jpeg) => newest = Some(jpeg),
                Cut::NoPicture(why) => self.note_bad(why),
            }
        }
        let Some(jpeg) = newest else { return };
        if self.output.skip_if_unneeded(captured_at) {
            self.pictures += 1;
            return;
        }
        let output = &mut *self.output;
        match output.timed(|| self.decoder.decode(&jpeg, output.pool())) {
            Ok(picture) => {
                self.pictures += 1;
                self.output.publish(picture, captured_at);
            }
            Err(error) => self.note_bad(error.to_string()),
        }
    }

    fn note_bad(&mut self, why: String) {
        self.output.count_bad_picture(&why);
        self.bad = Some(why);
    }
}
