//! Why an address cannot be listened on, and what to do about it.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;

/// `option` is what the address was given by. The system's own words follow as the cause.
pub(crate) fn words(listen: SocketAddr, option: &str, error: &Error) -> String {
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
    fn each_reason_has_its_own_advice() {
        let listen = "192.0.2.77:80".parse().expect("an address");
        let words = |kind: ErrorKind| words(listen, "--listen", &kind.into());
        assert!(words(ErrorKind::AddrInUse).contains("another program"));
        let elsewhere = words(ErrorKind::AddrNotAvailable);
        assert!(elsewhere.contains("no such address") && !elsewhere.contains("program"));
        assert!(words(ErrorKind::PermissionDenied).contains("above 1023"));
        assert_eq!(
            words(ErrorKind::OutOfMemory),
            "cannot listen on 192.0.2.77:80"
        );
    }
}
