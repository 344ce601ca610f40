//! How commands reach the station that runs on this machine.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;
use ureq::http::{Method, Request};

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

/// The station of this machine, asked with the admin token.
pub(crate) struct RunningStation {
    agent: ureq::Agent,
    token: String,
    at: SocketAddr,
    base: String,
}

/// The part of an error answer that is shown.
#[derive(Debug, Deserialize)]
struct Problem {
    detail: String,
}

impl RunningStation {
    pub(crate) fn of(
        config: &Config,
        folders: &UserFolders,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let at = local(config.listen_addr()?);
        Ok(Self {
            agent: agent(timeout),
            token: admin_token(config, folders)?,
            at,
            base: format!("http://{at}{}", config.http.prefix()),
        })
    }

    /// The text of the answer. `body`: JSON. With another status than success, an error with what the station says.
    pub(crate) fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<String> {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {}", self.token));
        let answer = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json");
                self.agent.run(request.body(body)?)
            }
            None => self.agent.run(request.body(())?),
        };
        let at = self.at;
        let mut answer = answer.with_context(|| {
            format!(
                "no station answers at {at}: is it running, and does it listen there (--listen)?"
            )
        })?;
        let text = answer.body_mut().read_to_string().context("the answer")?;
        if answer.status().is_success() {
            return Ok(text);
        }
        if answer.status().as_u16() == 401 {
            bail!("the station at {at} has another admin token: set CARRIER_ADMIN_TOKEN to it");
        }
        let detail = serde_json::from_str(&text).map_or(text, |problem: Problem| problem.detail);
        bail!("{detail}")
    }
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
