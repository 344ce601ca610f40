//! Announces the station by multicast DNS (RFC 6762, RFC 6763), with a library that has a thread of its own. It asks
//! first whether a name is free, and takes another one otherwise.

use std::time::Duration;

use mdns_sd::{DaemonEvent, IfKind, Receiver, ServiceDaemon, ServiceInfo};

use super::advertisement::Advertisement;

/// Pages, and stations of this program, which find each other by it.
const SERVICES: [&str; 2] = ["_http._tcp.local.", "_carrier._tcp.local."];
/// How long the end of the station waits for the last datagrams, which take the names back.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);

/// Announces until it is dropped.
pub(crate) struct Advertiser {
    daemon: ServiceDaemon,
    events: Receiver<DaemonEvent>,
    full_names: Vec<String>,
    /// With `.local`; another than wanted where that is somebody else's.
    host_name: String,
}

impl Advertiser {
    pub(crate) fn start(told: &Advertisement) -> mdns_sd::Result<Self> {
        let daemon = ServiceDaemon::new()?;
        let mut advertiser = Self {
            events: daemon.monitor()?,
            full_names: Vec::new(),
            host_name: format!("{}.local", told.label),
            daemon,
        };
        advertiser.announce(told)?;
        Ok(advertiser)
    }

    fn announce(&mut self, told: &Advertisement) -> mdns_sd::Result<()> {
        self.daemon.disable_interface(IfKind::All)?;
        for name in &told.interfaces {
            self.daemon.enable_interface(IfKind::Name(name.clone()))?;
        }
        let txt = [
            ("path", told.path.as_str()),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        for service in SERVICES {
            let host = format!("{}.local.", told.label);
            let addresses = &told.addresses[..];
            let info =
                ServiceInfo::new(service, &told.name, &host, addresses, told.port, &txt[..])?;
            self.full_names.push(info.get_fullname().to_owned());
            self.daemon.register(info)?;
        }
        Ok(())
    }

    /// The host name in use, with `.local`. To be asked regularly: the library's news are read here.
    pub(crate) fn host_name(&mut self) -> &str {
        while let Ok(event) = self.events.try_recv() {
            match event {
                // The names of the services change too, and are not shown.
                DaemonEvent::NameChange(change)
                    if change.original.trim_end_matches('.') == self.host_name =>
                {
                    let instead = change.new_name.trim_end_matches('.');
                    tracing::warn!(
                        name = change.original,
                        instead,
                        "another device in the network has this name already"
                    );
                    instead.clone_into(&mut self.host_name);
                }
                DaemonEvent::Error(error) => {
                    tracing::debug!(%error, "multicast DNS");
                }
                _ => {}
            }
        }
        &self.host_name
    }
}

impl Drop for Advertiser {
    fn drop(&mut self) {
        for name in &self.full_names {
            if let Ok(done) = self.daemon.unregister(name) {
                let _ = done.recv_timeout(STOP_TIMEOUT);
            }
        }
        if let Ok(stopped) = self.daemon.shutdown() {
            let _ = stopped.recv_timeout(STOP_TIMEOUT);
        }
    }
}
