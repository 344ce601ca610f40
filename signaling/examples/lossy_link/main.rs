//! A lossy, slow network path between viewers and a station, in user space.
//!
//! `lossy_link STATION_ADDRESS:PORT [LISTEN_ADDRESS:PORT] [SEED]` prints `{"port":N}` with the UDP
//! port it listens on (`127.0.0.1:0`), and carries the datagrams of each client address to the
//! station and back, over a path of its own: clients do not share the bottleneck. It reads orders
//! from standard input, one a line, answers each with a line of JSON, and ends with its input:
//!
//! - `both loss=0.05 delay_ms=50`, or `up` (to the station) or `down` (from it): changes what is
//!   named. `loss` 0 to 1, `burst` mean length of a burst of losses (1: none), `delay_ms`,
//!   `jitter_ms`, `order` `kept` or `free`, `rate_bps` a number or `none`, `queue_ms` or
//!   `queue_bytes`.
//! - `read`: counters of all paths together.

mod orders;
mod relay;

use std::io::{self, BufRead as _, Write as _};
use std::net::SocketAddr;
use std::sync::mpsc;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let usage = "lossy_link STATION_ADDRESS:PORT [LISTEN_ADDRESS:PORT] [SEED]";
    let station: SocketAddr = args.next().ok_or(usage)?.parse()?;
    let listen = args.next().unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let seed: u64 = args.next().map_or(Ok(1), |text| text.parse())?;
    let mut relay = relay::Relay::open(listen.parse()?, station, seed)?;
    writeln!(io::stdout(), "{{\"port\":{}}}", relay.port()?)?;
    // overflow: awaited. Whoever writes an order waits for its answer.
    let (sender, orders) = mpsc::channel();
    let waker = relay.waker();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
        drop(sender);
        // The relay finds out that there will be no more orders; without it there is nobody to tell.
        let _ = waker.wake();
    });
    relay.run(&orders)?;
    Ok(())
}
