//! What makes the hotspot, and what ends it. Pure.

use std::fmt;
use std::net::Ipv4Addr;

use crate::config::hotspot::HotspotBand;
use crate::config::{Config, ConfigError, WifiSecurity};

/// The name of NetworkManager's connection.
pub(super) const CONNECTION: &str = "carrier-hotspot";
/// NetworkManager's dnsmasq reads this folder when a shared connection starts.
const DNSMASQ_FILE: &str = "/etc/NetworkManager/dnsmasq-shared.d/carrier.conf";
const TABLE: &str = "carrier_hotspot";
const HTTP_PORT: u16 = 80;

/// The network to be made.
#[derive(Debug)]
pub(super) struct Hotspot {
    interface: String,
    ssid: String,
    /// `None`: an open network.
    password: Option<String>,
    is_hidden: bool,
    band: HotspotBand,
    address: Ipv4Addr,
    /// The port of the pages, where phones are to be led to them.
    portal: Option<Portal>,
}

#[derive(Debug)]
struct Portal {
    http_port: u16,
    /// Of the captive portal API, which has to be HTTPS with a certificate that phones trust (RFC 8908 3).
    api: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Action {
    Write {
        path: &'static str,
        text: String,
    },
    Remove {
        path: &'static str,
    },
    Run {
        program: &'static str,
        arguments: Vec<String>,
        failure: Failure,
    },
}

/// What a failure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// There is no hotspot.
    Fatal,
    /// It is usual: there was nothing to remove.
    Usual,
    /// The hotspot works, and phones are not led to the booth.
    Told,
}

impl Action {
    fn nmcli(arguments: &[&str], failure: Failure) -> Self {
        Self::run("nmcli", arguments, failure)
    }

    fn run(program: &'static str, arguments: &[&str], failure: Failure) -> Self {
        Self::Run {
            program,
            arguments: arguments.iter().map(|one| (*one).to_owned()).collect(),
            failure,
        }
    }

    /// Without values: one of them is the password.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Write { path, .. } | Self::Remove { path } => (*path).to_owned(),
            Self::Run {
                program, arguments, ..
            } => {
                let first = arguments.iter().take(2).map(String::as_str);
                let words: Vec<&str> = std::iter::once(*program).chain(first).collect();
                words.join(" ")
            }
        }
    }

    fn failure(&self) -> Failure {
        match self {
            Self::Write { .. } => Failure::Told,
            Self::Remove { .. } => Failure::Usual,
            Self::Run { failure, .. } => *failure,
        }
    }

    pub(super) fn is_essential(&self) -> bool {
        self.failure() == Failure::Fatal
    }

    pub(super) fn is_expected_to_work(&self) -> bool {
        self.failure() != Failure::Usual
    }
}

/// As a line for a shell.
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { path, text } => {
                write!(f, "printf %s {} > {path}", quoted(text))
            }
            Self::Remove { path } => write!(f, "rm -f {path}"),
            Self::Run {
                program, arguments, ..
            } => {
                f.write_str(program)?;
                arguments
                    .iter()
                    .try_for_each(|argument| write!(f, " {}", quoted(argument)))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

impl Hotspot {
    pub(super) fn new(config: &Config, interface: String) -> Result<Self, ConfigError> {
        let wifi = &config.wifi;
        let Some(ssid) = wifi.ssid.clone() else {
            let why = "the name of the network that the hotspot makes";
            return Err(ConfigError::absent("wifi.ssid", why));
        };
        if wifi.security == WifiSecurity::Wep {
            let why = "a hotspot has WPA, or nopass";
            return Err(ConfigError::value("wifi.security", "WEP", why));
        }
        let portal = config.network.captive_portal.then(|| Portal {
            http_port: config.listen_addr().map_or(HTTP_PORT, |at| at.port()),
            api: config
                .public_url
                .as_deref()
                .filter(|url| url.starts_with("https:"))
                .map(|url| {
                    format!(
                        "{}{}/api/captive",
                        url.trim_end_matches('/'),
                        config.http.prefix()
                    )
                }),
        });
        Ok(Self {
            interface,
            ssid,
            password: wifi.password.clone(),
            is_hidden: wifi.hidden,
            band: config.hotspot.band,
            address: config.hotspot.address,
            portal,
        })
    }

    pub(super) fn up(&self) -> Vec<Action> {
        let mut actions = Vec::new();
        if let Some(portal) = &self.portal {
            actions.push(Action::Write {
                path: DNSMASQ_FILE,
                text: self.dnsmasq(portal),
            });
        }
        let delete = ["connection", "delete", "id", CONNECTION];
        actions.push(Action::nmcli(&delete, Failure::Usual));
        actions.push(self.connection());
        let up = ["connection", "up", "id", CONNECTION];
        actions.push(Action::nmcli(&up, Failure::Fatal));
        if let Some(portal) = &self.portal {
            actions.extend(self.redirect(portal));
        }
        actions
    }

    /// Every name leads to this machine.
    fn dnsmasq(&self, portal: &Portal) -> String {
        let mut text = format!("address=/#/{}\n", self.address);
        if let Some(api) = &portal.api {
            text.push_str(&format!("dhcp-option=114,{api}\n"));
        }
        text
    }

    fn connection(&self) -> Action {
        let address = format!("{}/24", self.address);
        let band = match self.band {
            HotspotBand::Far => "bg",
            HotspotBand::Fast => "a",
        };
        let mut arguments = vec![
            "connection",
            "add",
            "type",
            "wifi",
            "ifname",
            &self.interface,
            "con-name",
            CONNECTION,
            "autoconnect",
            "no",
            "ssid",
            &self.ssid,
            "802-11-wireless.mode",
            "ap",
            "802-11-wireless.band",
            band,
            "802-11-wireless.hidden",
            if self.is_hidden { "yes" } else { "no" },
            "ipv4.method",
            "shared",
            "ipv4.addresses",
            &address,
            "ipv6.method",
            "disabled",
        ];
        if let Some(password) = &self.password {
            arguments.extend([
                "802-11-wireless-security.key-mgmt",
                "wpa-psk",
                "802-11-wireless-security.psk",
                password,
            ]);
        }
        Action::nmcli(&arguments, Failure::Fatal)
    }

    /// Phones ask at port 80.
    fn redirect(&self, portal: &Portal) -> Vec<Action> {
        if portal.http_port == HTTP_PORT {
            return Vec::new();
        }
        let port = format!(":{}", portal.http_port);
        let chain = "{ type nat hook prerouting priority dstnat ; }";
        let table = ["add", "table", "ip", TABLE];
        let chain = ["add", "chain", "ip", TABLE, "prerouting", chain];
        let rule = [
            "add",
            "rule",
            "ip",
            TABLE,
            "prerouting",
            "iifname",
            &self.interface,
            "tcp",
            "dport",
            "80",
            "redirect",
            "to",
            &port,
        ];
        let delete = ["delete", "table", "ip", TABLE];
        vec![
            Action::run("nft", &delete, Failure::Usual),
            Action::run("nft", &table, Failure::Told),
            Action::run("nft", &chain, Failure::Told),
            Action::run("nft", &rule, Failure::Told),
        ]
    }
}

/// Ends the hotspot and removes what it left.
pub(super) fn down() -> Vec<Action> {
    let delete = ["connection", "delete", "id", CONNECTION];
    let table = ["delete", "table", "ip", TABLE];
    vec![
        Action::nmcli(&delete, Failure::Fatal),
        Action::Remove { path: DNSMASQ_FILE },
        Action::run("nft", &table, Failure::Usual),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(toml: &str) -> String {
        let config: Config = toml::from_str(toml).expect("valid TOML");
        config.check().expect("valid");
        let hotspot = Hotspot::new(&config, "wlan0".to_owned()).expect("complete");
        let lines: Vec<String> = hotspot.up().iter().map(Action::to_string).collect();
        lines.join("\n")
    }

    #[test]
    fn the_network_is_the_one_of_the_wifi_code() {
        let text = lines("[wifi]\nssid = \"o'hall\"\npassword = 'correct horse'\nhidden = true");
        assert_eq!(
            text,
            "nmcli connection delete id carrier-hotspot\n\
             nmcli connection add type wifi ifname wlan0 con-name carrier-hotspot autoconnect no ssid 'o'\\''hall' \
             802-11-wireless.mode ap 802-11-wireless.band bg 802-11-wireless.hidden yes ipv4.method shared \
             ipv4.addresses 10.42.0.1/24 ipv6.method disabled 802-11-wireless-security.key-mgmt wpa-psk \
             802-11-wireless-security.psk 'correct horse'\n\
             nmcli connection up id carrier-hotspot"
        );
        let open = lines("[wifi]\nssid = 'hall'\nsecurity = 'nopass'\n[hotspot]\nband = '5'");
        assert!(open.contains("band a ") && !open.contains("psk"), "{open}");
    }

    #[test]
    fn with_a_portal_every_name_and_port_80_lead_here() {
        let wifi = "[wifi]\nssid = 'hall'\nsecurity = 'nopass'\n[network]\ncaptive_portal = true";
        let text = lines(wifi);
        assert!(text.contains("printf %s 'address=/#/10.42.0.1"), "{text}");
        assert!(
            text.contains("iifname wlan0 tcp dport 80 redirect to :8080"),
            "{text}"
        );
        assert!(!text.contains("114"), "{text}");
        let text = lines(&format!(
            "listen = '[::]:80'\npublic_url = 'https://booth.example'\n{wifi}"
        ));
        assert!(
            text.contains("dhcp-option=114,https://booth.example/api/captive"),
            "{text}"
        );
        assert!(!text.contains("nft"), "{text}");
    }

    #[test]
    fn without_a_name_there_is_no_hotspot() {
        let none = Hotspot::new(&Config::default(), "wlan0".to_owned());
        assert_eq!(none.expect_err("no name").key(), Some("wifi.ssid"));
    }
}
