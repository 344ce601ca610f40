//! Listening sockets, and the limit of open file descriptors (`RLIMIT_NOFILE`).

use std::io::{self, Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Socket, Type};

const BACKLOG: i32 = 1024;

/// A listening socket. The IPv6 wildcard also accepts IPv4, whatever the system's default
/// (`net.ipv6.bindv6only`), and becomes the IPv4 wildcard if the kernel has no IPv6.
pub(crate) fn bind(listen: SocketAddr) -> io::Result<std::net::TcpListener> {
    let wildcard = listen.ip().is_unspecified() && listen.is_ipv6();
    match bind_exactly(listen, wildcard) {
        Err(error) if wildcard && is_no_ipv6(&error) => {
            let plain = SocketAddr::from((Ipv4Addr::UNSPECIFIED, listen.port()));
            bind_exactly(plain, false)
        }
        other => other,
    }
}

fn bind_exactly(listen: SocketAddr, both: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(listen), Type::STREAM, None)?;
    if both {
        socket.set_only_v6(false)?;
    }
    // A restarted station must not wait until old connections have timed out.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&listen.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn is_no_ipv6(error: &io::Error) -> bool {
    const EAFNOSUPPORT: i32 = 97;
    error.raw_os_error() == Some(EAFNOSUPPORT) || error.kind() == io::ErrorKind::AddrNotAvailable
}

/// Enough for the connection limit and everything else.
const DESCRIPTORS_WANTED: u64 = 8192;

/// Raises the soft limit as far as the hard limit allows, and returns the limit in effect. If the system
/// refuses, the connection limit is lowered to fit.
pub(crate) fn raise_descriptor_limit() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = DESCRIPTORS_WANTED.min(maximum.unwrap_or(u64::MAX));
    let before = current.unwrap_or(u64::MAX);
    let raised = Rlimit {
        current: Some(wanted),
        maximum,
    };
    let now = if before < wanted && setrlimit(Resource::Nofile, raised).is_ok() {
        wanted
    } else {
        before
    };
    usize::try_from(now).unwrap_or(usize::MAX)
}

/// An error message that says what to do; the caller adds the cause. `option` is the option that gave
/// the address.
pub(crate) fn bind_advice(listen: SocketAddr, option: &str, error: &Error) -> String {
    let advice = match error.kind() {
        ErrorKind::AddrInUse => {
            format!(": another program is there. Try {option} with another port")
        }
        ErrorKind::AddrNotAvailable => format!(
            ": this machine has no such address. Name one of its own with {option}, or [::]:{} for all",
            listen.port()
        ),
        ErrorKind::PermissionDenied => format!(
            ": this user may not use port {}. Try {option} with a port above 1023",
            listen.port()
        ),
        _ => String::new(),
    };
    format!("cannot listen on {listen}{advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wildcard_takes_ipv4_too_and_a_plain_address_only_itself() {
        let any = bind("[::]:0".parse().expect("an address")).expect("a free port");
        let port = any.local_addr().expect("bound").port();
        let reached = |host: &str| std::net::TcpStream::connect((host, port)).is_ok();
        assert!(reached("127.0.0.1"));
        drop(any);
        let local = bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        assert!(local.local_addr().expect("bound").ip().is_loopback());
        let taken = bind(local.local_addr().expect("bound"));
        assert_eq!(taken.expect_err("in use").kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn each_reason_has_its_own_advice() {
        let listen = "192.0.2.77:80".parse().expect("an address");
        let advice = |kind: ErrorKind| bind_advice(listen, "--listen", &kind.into());
        assert!(advice(ErrorKind::AddrInUse).contains("another program"));
        let elsewhere = advice(ErrorKind::AddrNotAvailable);
        assert!(elsewhere.contains("no such address") && !elsewhere.contains("program"));
        assert!(advice(ErrorKind::PermissionDenied).contains("above 1023"));
        assert_eq!(
            advice(ErrorKind::OutOfMemory),
            "cannot listen on 192.0.2.77:80"
        );
    }
}
