//! A publisher: str0m on its own socket, with a real encoder.

use std::time::{Duration, Instant};

use capture::I420;
use signaling::encode::encoder::Encoder;
use signaling::encode::openh264_encoder::OpenH264Encoder;
use signaling::{Rendition, default_renditions};
use str0m::bwe::Bitrate;
use str0m::media::{Direction, MediaTime, Pt};
use str0m::{Event, Rtc};

use crate::remote_end::{End, EndOutput, is_media};
use crate::timing::HANG_TIMEOUT;
use crate::wire::Wire;

/// 30 pictures a second.
const FRAME_TIME: Duration = Duration::from_micros(33_333);

/// Published size in pixels, which no other source here has.
pub(crate) const SIZE: (u32, u32) = (320, 240);
/// Luma of the left and the right half.
pub(crate) const HALVES: [u8; 2] = [60, 200];

pub(crate) struct Publisher {
    end: End,
    pub(crate) offer: String,
    encoder: OpenH264Encoder,
    pub(crate) sent: u32,
    next_frame: Instant,
    keyframe_wanted: bool,
    rtx: Option<Pt>,
    pub(crate) connected: bool,
    pub(crate) closed: bool,
    /// The camera delivers pictures.
    pub(crate) filming: bool,
    /// Drops one of this many sent media datagrams; 0: none.
    pub(crate) lose_every: u64,
    /// Also drops all retransmissions.
    pub(crate) lose_retransmissions: bool,
    pub(crate) keyframes_asked: u32,
    /// Bandwidth estimates made from our transport-wide feedback.
    pub(crate) estimates: u32,
    pub(crate) lost: u64,
    media_sent: u64,
}

impl Publisher {
    pub(crate) fn new() -> Self {
        Self::on(Wire::udp("127.0.0.1"))
    }

    pub(crate) fn on(wire: Wire) -> Self {
        let config = Rtc::builder()
            .clear_codecs()
            .enable_h264(true)
            .enable_bwe(Some(Bitrate::mbps(2)));
        let end = End::new(config, wire, Direction::SendOnly);
        let rendition = Rendition {
            width: SIZE.0,
            height: SIZE.1,
            bitrate_bps: 800_000,
            ..default_renditions()[0]
        };
        Self {
            offer: end.offer.clone(),
            end,
            encoder: OpenH264Encoder::new(&rendition),
            sent: 0,
            next_frame: Instant::now(),
            keyframe_wanted: false,
            rtx: None,
            connected: false,
            closed: false,
            filming: true,
            lose_every: 0,
            lose_retransmissions: false,
            keyframes_asked: 0,
            estimates: 0,
            lost: 0,
            media_sent: 0,
        }
    }

    /// Applies an answer.
    pub(crate) fn accept(&mut self, answer: &str) {
        self.end.accept(answer);
    }

    /// Moves to another network; the old socket is closed.
    pub(crate) fn move_to(&mut self, wire: Wire) {
        self.end.move_to(wire);
    }

    /// Starts an ICE restart and returns the body of its PATCH.
    pub(crate) fn restart_fragment(&mut self) -> String {
        self.end.restart_fragment()
    }

    /// Applies the response to the restart.
    pub(crate) fn accept_restart(&mut self, fragment: &str) {
        self.end.accept_restart(fragment);
    }

    /// Closes with a DTLS close_notify.
    pub(crate) fn close(&mut self) {
        self.end.rtc.close().expect("open");
        // A closed connection accepts no picture.
        self.filming = false;
        self.turn();
    }

    /// Runs until `done`.
    pub(crate) fn run(&mut self, what: &str, mut done: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + HANG_TIMEOUT;
        while !done(self) {
            assert!(Instant::now() < until, "it hangs: {what}");
            self.turn();
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Runs for a time.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = Instant::now() + time;
        self.run("time passes", |_| Instant::now() >= until);
    }

    fn turn(&mut self) {
        loop {
            while self.step() {}
            let Some((datagram, from)) = self.end.receive() else {
                break;
            };
            self.end.take(&datagram, from);
        }
        let now = Instant::now();
        if self.connected && !self.closed && self.filming && now >= self.next_frame {
            self.next_frame = now + FRAME_TIME;
            self.film(now);
            while self.step() {}
        }
    }

    fn film(&mut self, now: Instant) {
        let picture = halves(self.sent);
        let ticks = self.sent * 3000;
        let keyframe = std::mem::take(&mut self.keyframe_wanted);
        let encoded = self
            .encoder
            .encode(&picture, keyframe, ticks)
            .expect("encoded");
        let unit = encoded.access_unit.to_vec();
        self.sent += 1;
        let writer = self
            .end
            .rtc
            .writer(self.end.mid)
            .expect("a sending section");
        let params = writer
            .payload_params()
            .next()
            .expect("H.264 was negotiated");
        let pt = params.pt();
        self.rtx = params.resend();
        let time = MediaTime::from_90khz(u64::from(ticks));
        writer.write(pt, now, time, unit).expect("written");
    }

    /// Handles one output of the library. Returns `false` if there is none.
    fn step(&mut self) -> bool {
        match self.end.next() {
            None => return false,
            Some(EndOutput::Send(out)) => {
                if !self.is_lost(&out.contents) {
                    self.end.send(&out);
                }
            }
            Some(EndOutput::Note(event)) => self.note(&event),
        }
        true
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::Connected => self.connected = true,
            Event::Closed => self.closed = true,
            Event::KeyframeRequest(_) => {
                self.keyframe_wanted = true;
                self.keyframes_asked += 1;
            }
            Event::EgressBitrateEstimate(_) => self.estimates += 1,
            _ => {}
        }
    }

    fn is_lost(&mut self, datagram: &[u8]) -> bool {
        if !is_media(datagram) {
            return false;
        }
        let payload_type = Pt::from(datagram[1] & 0x7f);
        // Bandwidth probes also use the RTX payload type.
        if Some(payload_type) == self.rtx {
            return self.lose_retransmissions;
        }
        self.media_sent += 1;
        let hit = self.lose_every > 0 && self.media_sent.is_multiple_of(self.lose_every);
        self.lost += u64::from(hit);
        hit
    }
}

/// Two plain halves and a moving mark.
fn halves(step: u32) -> I420 {
    let mut picture = I420::black(SIZE.0, SIZE.1).expect("even");
    let width = SIZE.0 as usize;
    for row in picture.planes_mut().y.chunks_exact_mut(width) {
        let (left, right) = row.split_at_mut(width / 2);
        left.fill(HALVES[0]);
        right.fill(HALVES[1]);
    }
    let at = (step as usize * 4) % width;
    picture.planes_mut().y[at..width]
        .iter_mut()
        .take(16)
        .for_each(|luma| *luma = 128);
    picture
}
