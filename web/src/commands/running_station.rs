//! How commands reach the station that runs on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};

use crate::access::admin::AdminToken;
use crate::config::Config;
use crate::environment::UserFolders;

/// Asks without a proxy; the status of an answer is for the caller.
pub(crate) fn agent(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(timeout))
        .proxy(None)
        .build()
        .new_agent()
}

pub(crate) fn admin_token(config: &Config, folders: &UserFolders) -> anyhow::Result<String> {
    match (&config.admin_token, folders.admin_token_file()) {
        (Some(token), _) => Ok(token.trim().to_owned()),
        (None, Some(file)) => Ok(AdminToken::kept_or_made(&file)
            .with_context(|| format!("the admin token in {}", file.display()))?
            .reveal()
            .to_owned()),
        (None, None) => {
            bail!("there is no admin token: set HOME, XDG_STATE_HOME or CARRIER_ADMIN_TOKEN")
        }
    }
}

/// The address at which this machine reaches what listens on `listen`.
pub(crate) fn local(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        // Such a socket takes IPv4 too, and not every machine has IPv6.
        IpAddr::V6(ip) if ip.is_unspecified() => {
            match std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, listen.port())) {
                Ok(_) => Ipv4Addr::LOCALHOST.into(),
                Err(_) => Ipv6Addr::LOCALHOST.into(),
            }
        }
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}
