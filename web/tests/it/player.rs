//! The video as a WHEP player gets it, with an independent WebRTC stack.

pub(crate) mod client;

use std::time::{Duration, Instant};

use client::Player;
use rtc::rtp::Packet;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use crate::station::Station;
use crate::timing::{HANG_TIMEOUT, expect_within};

const CROWD: usize = 20;
/// The retransmission timer of DTLS handshake messages (RFC 6347 4.2.4.1).
const HANDSHAKE_REPEATED: Duration = Duration::from_secs(1);

/// NAL unit and packet types (RFC 6184 5.4).
const IDR_SLICE: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Waits until the summary, made once per second, has `count` viewers; returns how long that took.
pub(crate) fn wait_for_viewers(station: &Station, count: usize) -> Duration {
    let since = Instant::now();
    loop {
        let counted = station.status()["viewers"].as_u64().expect("a count");
        if counted == count as u64 {
            return since.elapsed();
        }
        assert!(
            since.elapsed() < HANG_TIMEOUT,
            "{counted} viewers, not {count}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The types of the NAL units that start in `packet`.
fn unit_types(packet: &Packet) -> Vec<u8> {
    let payload = &packet.payload[..];
    let kind = |byte: u8| byte & 0x1f;
    match (kind(payload[0]), payload) {
        (STAP_A, [_, rest @ ..]) => {
            let mut found = Vec::new();
            let mut rest = rest;
            while let [high, low, unit @ ..] = rest {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                found.push(kind(unit[0]));
                rest = &unit[length..];
            }
            found
        }
        (FU_A, [_, header, ..]) if header & 0x80 != 0 => vec![kind(*header)],
        (FU_A, _) => Vec::new(),
        (single, _) => vec![single],
    }
}

#[test]
fn a_player_joins_gets_a_keyframe_first_and_leaves() {
    let station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let base = station.at("");
    let runtime = runtime();
    let offered = Instant::now();
    let (player, packets, first_after) = runtime.block_on(async {
        let mut player = Player::join(&base).await;
        let mut packets = vec![player.packet().await];
        let first_after = offered.elapsed();
        while packets.len() < 60 {
            packets.push(player.packet().await);
        }
        (player, packets, first_after)
    });
    println!(
        "first packet {first_after:?} after the offer, {} packets after {:?}",
        packets.len(),
        offered.elapsed()
    );

    let admission = &player.admission;
    assert!(
        admission.location.starts_with("whep/"),
        "{}",
        admission.location
    );
    assert!(admission.etag.len() > 2 && admission.etag.starts_with('"'));
    wait_for_viewers(&station, 1);

    let picture = packets[0].header.timestamp;
    let first_picture = packets
        .iter()
        .take_while(|packet| packet.header.timestamp == picture);
    let units: Vec<u8> = first_picture.flat_map(unit_types).collect();
    assert_eq!(units.first(), Some(&SEQUENCE_PARAMETERS), "{units:?}");
    assert!(units.contains(&IDR_SLICE), "{units:?}");
    for (before, after) in packets.iter().zip(&packets[1..]) {
        let next = before.header.sequence_number.wrapping_add(1);
        assert_eq!(after.header.sequence_number, next);
    }

    assert_eq!(runtime.block_on(player.delete(&base)), 200);
    println!(
        "counted out {:?} after DELETE",
        wait_for_viewers(&station, 0)
    );
}

#[test]
fn twenty_players_leave_no_state_behind() {
    let mut station = Station::start(&["--model", "none"]);
    station.wait_ready();
    let base = station.at("");
    let runtime = runtime();

    let start = Instant::now();
    let crowd = runtime.block_on(async {
        let mut joining = JoinSet::new();
        for _ in 0..CROWD {
            let base = base.clone();
            joining.spawn(async move {
                let offered = Instant::now();
                let mut player = Player::join(&base).await;
                let first = unit_types(&player.packet().await);
                assert_eq!(first.first(), Some(&SEQUENCE_PARAMETERS), "{first:?}");
                (offered.elapsed(), player)
            });
        }
        joining.join_all().await
    });
    let (mut waits, crowd): (Vec<_>, Vec<_>) = crowd.into_iter().unzip();
    waits.sort();
    println!(
        "{CROWD} joined with pictures in {:?}; first packet after {:?} to {:?}",
        start.elapsed(),
        waits[0],
        waits[CROWD - 1]
    );
    expect_within("the fastest join", waits[0], HANDSHAKE_REPEATED);
    wait_for_viewers(&station, CROWD);

    runtime.block_on(async {
        let mut leaving = JoinSet::new();
        for (number, player) in crowd.into_iter().enumerate() {
            let base = base.clone();
            leaving.spawn(async move {
                if number % 2 == 0 {
                    assert_eq!(player.delete(&base).await, 200);
                } else {
                    player.drop_connection().await;
                }
            });
        }
        leaving.join_all().await;
    });
    println!(
        "counted out {:?} after they left",
        wait_for_viewers(&station, 0)
    );
    station.assert_feed_runs();
}
