//! Video files and RTSP or HTTP streams, through OpenCV (FFmpeg).

mod reader;

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::videoio::{self, VideoCapture, VideoCaptureTrait, VideoCaptureTraitConst};
use ureq::http::{StatusCode, Uri};

use super::camera_http::{CameraHttp, Challenged, content_type, refusal, split_login};
use super::kind::{AddressError, Request, SourceKind, file_name, host_of, not_empty, url_address};
use super::output::{OpenedSource, SourceOutput};
use super::pacer::Pacer;
use super::stall::StallLimits;
use crate::convert::{PixelAspect, Raster, Squarer, bgr24};
use crate::error::CaptureError;
use crate::picture::{I420, PictureError, PicturePool, PooledPicture};

pub use reader::VideoReader;

/// FFmpeg gives up opening an address after this.
const OPEN_MS: i32 = 8000;
/// FFmpeg gives up waiting for a packet after this. The card is up before then.
const READ_MS: i32 = 4000;

/// How often a file of a single picture is published, and checked for changes.
const STILL_INTERVAL: Duration = Duration::from_millis(200);

pub(super) static FILE: SourceKind = SourceKind {
    label: "file",
    keyword: Some("file"),
    forms: "a video file",
    needs: "a path",
    example: "file:clip.mp4",
    parse: not_empty,
    plain_name: |path| format!("video {}", file_name(path)),
    limits: StallLimits::new(Duration::from_secs(10), Duration::from_secs(5)),
    run: run_file,
};

pub(super) static URL: SourceKind = SourceKind {
    label: "url",
    keyword: None,
    forms: "an rtsp:// or http:// address",
    needs: "an rtsp:// or http:// address",
    example: "rtsp://192.168.1.20/stream",
    parse: |url| match url.split_once("://") {
        Some((scheme, _)) if URL_SCHEMES.contains(&&*scheme.to_ascii_lowercase()) => {
            url_address(url)
        }
        _ => Err(AddressError::Unsuitable),
    },
    plain_name: |url| format!("camera at {}", host_of(url)),
    limits: StallLimits::new(Duration::from_secs(15), Duration::from_secs(6)),
    run: run_url,
};

const URL_SCHEMES: [&str; 4] = ["rtsp", "rtsps", "http", "https"];

/// Plays a file once, or in a loop.
fn run_file(request: &Request, output: &mut SourceOutput) -> Result<(), CaptureError> {
    let path = Path::new(&request.address);
    let name = file_name(&request.address);
    let unplayable = |detail: String| CaptureError::Video {
        name: name.clone(),
        detail,
    };
    let file = address_of(path).map_err(unplayable)?;
    let mut pacer: Option<Pacer> = None;
    while output.is_wanted() {
        // Checked here because FFmpeg does not give a reason.
        let written = readable(path).map_err(unplayable)?;
        // Opened again for each repetition: seeking to the start is not exact in every container.
        let stream = Stream::open(&file)
            .map_err(unplayable)?
            .ok_or_else(|| unplayable("it is no video that FFmpeg can read".to_owned()))?;
        let pacer = pacer.get_or_insert_with(|| Pacer::new(stream.fps));
        stream.announce(&format!("video {name}"), output);
        let played = stream.play(Some(pacer), output);
        match (played.pictures, request.loop_file) {
            (0, _) => return Err(unplayable("it has no pictures".to_owned())),
            (_, false) => return Err(CaptureError::VideoEnded),
            (1, true) => hold(played.first, output, || {
                readable(path).is_ok_and(|now| now == written)
            }),
            (_, true) => {}
        }
    }
    Ok(())
}

/// The path as FFmpeg takes it, which takes text before a colon for a protocol unless a folder stands before it.
fn address_of(path: &Path) -> Result<String, String> {
    let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
    let text = absolute.into_os_string().into_string();
    text.map_err(|_| "its path is no UTF-8".to_owned())
}

/// When the file was written, and its length. The error says why it cannot be played.
fn readable(path: &Path) -> Result<(Option<SystemTime>, u64), String> {
    let about = File::open(path)
        .and_then(|file| file.metadata())
        .map_err(|error| error.to_string())?;
    if about.is_dir() {
        return Err("it is a folder".to_owned());
    }
    if about.is_file() && about.len() == 0 {
        return Err("it is empty".to_owned());
    }
    Ok((about.modified().ok(), about.len()))
}

/// Publishes one picture again and again, as long as the file `is_same`.
fn hold(picture: Option<PooledPicture>, output: &mut SourceOutput, is_same: impl Fn() -> bool) {
    let Some(picture) = picture else { return };
    while output.is_wanted() && is_same() {
        let due = Instant::now() + STILL_INTERVAL;
        output.pause_until(due);
        let copy = output.pool().copy_of(&picture);
        output.publish(copy, due);
    }
}

/// Plays a URL. The pictures of a live stream are published as they arrive. A file and a playlist
/// arrive in bursts, so they are paced by their timestamps.
fn run_url(request: &Request, output: &mut SourceOutput) -> Result<(), CaptureError> {
    let (url, name) = (&*request.address, request.name.clone());
    let stream = Stream::open(url).map_err(|detail| CaptureError::NoStream {
        name: name.clone(),
        detail,
    })?;
    let stream = stream.ok_or_else(|| why_closed(url, &name))?;
    stream.announce(&name, output);
    let playlist = url
        .split(['?', '#'])
        .next()
        .is_some_and(|path| path.ends_with(".m3u8"));
    let mut pacer = Pacer::new(stream.fps);
    let pacing = (stream.is_finite || playlist).then_some(&mut pacer);
    stream.play(pacing, output);
    if output.is_wanted() {
        let detail = "no more pictures came".to_owned();
        return Err(CaptureError::StreamEnded { name, detail });
    }
    Ok(())
}

/// Asks the server why FFmpeg could not open the URL, because FFmpeg does not tell.
fn why_closed(url: &str, name: &str) -> CaptureError {
    let name = name.to_owned();
    let mut detail = "FFmpeg cannot read what it sends".to_owned();
    let asked = match url.split_once("://").map(|(scheme, _)| scheme) {
        Some("http" | "https") => CameraHttp::new(url, name.clone()).get().map(|answer| {
            let kind = content_type(&answer);
            if kind.starts_with("multipart/") || kind.starts_with("image/") {
                detail += "; write mjpeg: before its address";
            }
        }),
        Some("rtsp") => describe_rtsp(url, &name),
        _ => {
            let detail = "it is no video that FFmpeg can read, or nobody answers".to_owned();
            return CaptureError::Unreachable { name, detail };
        }
    };
    asked
        .err()
        .unwrap_or(CaptureError::NoStream { name, detail })
}

struct Stream {
    capture: VideoCapture,
    fps: f64,
    /// Whether it is a file rather than a live stream.
    is_finite: bool,
}

impl Stream {
    /// `None` when FFmpeg cannot open it.
    fn open(address: &str) -> Result<Option<Self>, String> {
        let params = Vector::from_slice(&[
            videoio::CAP_PROP_OPEN_TIMEOUT_MSEC,
            OPEN_MS,
            videoio::CAP_PROP_READ_TIMEOUT_MSEC,
            READ_MS,
        ]);
        // OpenCV rotates pictures as their metadata says by default. OpenCV 4.6 fails when it is
        // requested here.
        let capture = VideoCapture::from_file_with_params(address, videoio::CAP_FFMPEG, &params)
            .map_err(|error| error.message)?;
        let get = |property| capture.get(property).unwrap_or_default();
        if !capture.is_opened().unwrap_or(false) {
            return Ok(None);
        }
        let side = |property| get(property).max(0.0) as u32;
        let width = side(videoio::CAP_PROP_FRAME_WIDTH);
        let height = side(videoio::CAP_PROP_FRAME_HEIGHT);
        // Checked before the first picture is decoded, which could take gigabytes.
        if width > I420::MAX_SIDE_PX || height > I420::MAX_SIDE_PX {
            return Err(PictureError::TooLarge { width, height }.to_string());
        }
        let fps = get(videoio::CAP_PROP_FPS);
        let is_finite = get(videoio::CAP_PROP_FRAME_COUNT) > 0.0;
        Ok(Some(Self {
            capture,
            fps,
            is_finite,
        }))
    }

    /// The aspect ratio of the pixels. Known after the first picture was read.
    fn pixel_aspect(&self) -> PixelAspect {
        let get = |property| self.capture.get(property).unwrap_or_default().max(0.0) as u32;
        let aspect = PixelAspect::new(
            get(videoio::CAP_PROP_SAR_NUM),
            get(videoio::CAP_PROP_SAR_DEN),
        );
        // OpenCV rotates the picture, but not the aspect ratio.
        match get(videoio::CAP_PROP_ORIENTATION_META) {
            90 | 270 => aspect.turned(),
            _ => aspect,
        }
    }

    fn announce(&self, name: &str, output: &mut SourceOutput) {
        let fps = if self.fps.is_finite() {
            self.fps as f32
        } else {
            0.0
        };
        output.announce(OpenedSource {
            source: name.to_owned(),
            fps,
            camera: None,
        });
    }

    /// Publishes pictures until the end.
    fn play(mut self, mut pacing: Option<&mut Pacer>, output: &mut SourceOutput) -> Played {
        let mut decoded = Mat::default();
        let mut squarer = Squarer::default();
        let mut aspect = None;
        let mut played = Played::default();
        while output.is_wanted() && self.capture.read(&mut decoded).unwrap_or(false) {
            played.pictures += 1;
            let aspect = *aspect.get_or_insert_with(|| self.pixel_aspect());
            let now = Instant::now();
            let captured_at = pacing.as_deref_mut().map_or(now, |pacer| {
                let ms = self.capture.get(videoio::CAP_PROP_POS_MSEC).unwrap_or(-1.0);
                pacer.due(Duration::try_from_secs_f64(ms / 1000.0).ok(), now)
            });
            // The first one is kept, for a file of a single picture.
            if played.pictures > 1 && output.skip_if_surplus(captured_at) {
                output.pause_until(captured_at);
                continue;
            }
            let converted = output.timed(|| {
                let picture = to_i420(&decoded, output.pool())?;
                squarer.squared(picture, aspect, output.pool())
            });
            output.pause_until(captured_at);
            match converted {
                Ok(picture) => {
                    if played.pictures == 1 {
                        played.first = Some(output.pool().copy_of(&picture));
                    }
                    output.publish(picture, captured_at);
                }
                Err(error) => output.count_bad_picture(&error),
            }
        }
        played
    }
}

/// The outcome of [`Stream::play`].
#[derive(Debug, Default)]
struct Played {
    pictures: u64,
    first: Option<PooledPicture>,
}

fn to_i420(picture: &Mat, pool: &PicturePool) -> Result<PooledPicture, String> {
    let side = |length: i32| u32::try_from(length).unwrap_or_default();
    let (width, height) = (side(picture.cols()), side(picture.rows()));
    if picture.channels() != 3 {
        return Err(format!(
            "{} channels where 3 were expected",
            picture.channels()
        ));
    }
    let data = picture.data_bytes().map_err(|error| error.message)?;
    // `data_bytes` fails unless the rows have no padding.
    let raster = Raster {
        data,
        width,
        height,
        stride: width as usize * 3,
    };
    bgr24(&raster, pool).map_err(|error| error.to_string())
}

/// Time limit for connecting to an RTSP camera, and for each line of its answer.
const RTSP_TIMEOUT: Duration = Duration::from_secs(2);
const RTSP_PORT: u16 = 554;
/// Bounds the header of an RTSP answer.
const MAX_HEADER_BYTES: u64 = 16 << 10;

/// Sends an RTSP `DESCRIBE`, and once more with the login if it is asked for. `Ok` when the camera
/// answers with success.
fn describe_rtsp(url: &str, name: &str) -> Result<(), CaptureError> {
    let (address, login) = split_login(url);
    let no_stream = |detail| CaptureError::NoStream {
        name: name.to_owned(),
        detail,
    };
    let unreachable = |error: std::io::Error| CaptureError::Unreachable {
        name: name.to_owned(),
        detail: error.to_string(),
    };
    let mut answer = describe(&address, None).map_err(unreachable)?;
    if answer.status == Some(StatusCode::UNAUTHORIZED)
        && let Some(login) = &login
    {
        let challenges = answer.challenges.iter().map(String::as_str);
        let response = Challenged::new(login.clone(), challenges)
            .and_then(|mut challenged| challenged.respond("DESCRIBE", &address))
            .map_err(no_stream)?;
        answer = describe(&address, Some(&response)).map_err(unreachable)?;
    }
    match answer.status {
        Some(status) if status.is_success() => Ok(()),
        Some(status) => Err(no_stream(refusal(status, login.is_some()))),
        None => Err(no_stream(
            "its answer is not that of an RTSP camera".to_owned(),
        )),
    }
}

#[derive(Debug, Default)]
struct RtspAnswer {
    status: Option<StatusCode>,
    challenges: Vec<String>,
}

fn describe(address: &str, authorization: Option<&str>) -> std::io::Result<RtspAnswer> {
    let invalid = |error: ureq::http::uri::InvalidUri| std::io::Error::other(error);
    let uri: Uri = address.parse().map_err(invalid)?;
    let host = uri.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses = (host, uri.port_u16().unwrap_or(RTSP_PORT)).to_socket_addrs()?;
    let at = addresses
        .next()
        .ok_or_else(|| std::io::Error::other("its name is not known"))?;
    let mut camera = TcpStream::connect_timeout(&at, RTSP_TIMEOUT)?;
    camera.set_read_timeout(Some(RTSP_TIMEOUT))?;
    camera.set_write_timeout(Some(RTSP_TIMEOUT))?;
    let login = authorization.map_or(String::new(), |value| format!("Authorization: {value}\r\n"));
    let request =
        format!("DESCRIBE {address} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n{login}\r\n");
    camera.write_all(request.as_bytes())?;
    read_rtsp_answer(BufReader::new(camera.take(MAX_HEADER_BYTES)))
}

fn read_rtsp_answer(head: impl BufRead) -> std::io::Result<RtspAnswer> {
    let mut answer = RtspAnswer::default();
    for line in head.split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(line.trim_ascii());
        if line.is_empty() {
            break;
        }
        match line.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("WWW-Authenticate") => {
                answer.challenges.push(value.trim().to_owned());
            }
            _ => {
                if let Some(rest) = line.strip_prefix("RTSP/1.0 ") {
                    let code = rest.split(' ').next().unwrap_or_default();
                    answer.status = StatusCode::from_bytes(code.as_bytes()).ok();
                }
            }
        }
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rtsp_answers_are_parsed_as_cameras_write_them() {
        let head = "RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\nwww-authenticate: Digest realm=\"a\"\r\n\
            WWW-Authenticate: Basic realm=\"a\"\r\n\r\nmore";
        let answer = read_rtsp_answer(head.as_bytes()).expect("read");
        assert_eq!(answer.status, Some(StatusCode::UNAUTHORIZED));
        assert_eq!(
            answer.challenges,
            ["Digest realm=\"a\"", "Basic realm=\"a\""]
        );
        for none in ["", "HTTP/1.1 200 OK\r\n\r\n", "RTSP/1.0 zero\r\n"] {
            assert_eq!(
                read_rtsp_answer(none.as_bytes()).expect("read").status,
                None,
                "{none}"
            );
        }
    }
}
