//! Listening sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// A listening socket. The IPv6 wildcard takes IPv4 too, whatever the system's default is
/// (`net.ipv6.bindv6only`), and becomes the IPv4 wildcard where the kernel has no IPv6.
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
    // A station that is restarted does not wait for the last connections of the one before.
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
}
