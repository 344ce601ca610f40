//! Simulates a lossy, slow network path between viewers and a station, in user space.
//!
//! `lossy_link STATION_ADDRESS:PORT [LISTEN_ADDRESS:PORT] [SEED] [shared]` prints `{"port":N}` with the UDP
//! port it listens on (`127.0.0.1:0`), and forwards the datagrams of each client address to the station and
//! back. Each client has a bottleneck of its own, and an address of its own on the loopback, unless `shared` puts all of
//! them behind one. It reads commands from standard input, one per line, answers each with a line of JSON, and ends with
//! its input:
//!
//! - `both loss=0.05 delay_ms=50`, or `up` (to the station) or `down` (from it): changes the given settings:
//!   `loss` 0 to 1, `burst` mean length of a loss burst (1: none), `delay_ms`, `jitter_ms`, `order` `kept` or
//!   `free`, `rate_bps` a number or `none`, `queue_ms` or `queue_bytes`.
//! - `read`: counters of all clients together, and for each client's port how long a datagram to it would wait.

mod commands;
mod relay;

use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::mpsc;

type BoxedError = Box<dyn std::error::Error>;

fn main() -> Result<(), BoxedError> {
    let mut args = std::env::args().skip(1);
    let usage = "lossy_link STATION_ADDRESS:PORT [LISTEN_ADDRESS:PORT] [SEED] [shared]";
    let station: SocketAddr = args.next().ok_or(usage)?.parse()?;
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let seed: u64 = args.next().map_or(Ok(1), |text| text.parse())?;
    let shared = match args.next().as_deref() {
        None => false,
        Some("shared") => true,
        Some(_) => return Err(usage.into()),
    };
    let mut relay = relay::Relay::open(listen.parse()?, station, seed, shared)?;
    writeln!(io::stdout(), "{{\"port\":{}}}", relay.port()?)?;
    // overflow: awaited. The sender of a command waits for its answer.
    let (sender, commands) = mpsc::channel();
    let waker = relay.waker();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        // Wakes the relay, which then sees that the channel is closed.
        let _ = waker.wake();
    });
    relay.run(&commands)?;
    Ok(())
}
