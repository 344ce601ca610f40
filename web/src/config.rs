//! The configuration: one struct, its defaults, and the one precedence
//! *command line > `CARRIER_*` environment > file > default*.

mod booth;
mod http;
mod ice_servers;
mod network;
pub(crate) mod public_url;
pub(crate) mod publish;
mod renditions;
mod stylise;
mod tls;
mod viewers;
mod wifi;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

pub(crate) use self::booth::BoothConfig;
pub(crate) use self::http::HttpConfig;
pub(crate) use self::ice_servers::IceServer;
use self::network::NetworkConfig;
use self::publish::PublishConfig;
pub(crate) use self::renditions::{RenditionConfig, renditions};
pub(crate) use self::stylise::StyliseConfig;
pub(crate) use self::tls::{CertificateSource, TlsConfig};
pub(crate) use self::viewers::ViewersConfig;
pub(crate) use self::wifi::{WifiConfig, WifiSecurity};
use crate::cli::RunArgs;
use crate::environment;
use crate::paths::Paths;
use crate::token_strength::weakness;

/// What an encoder of this picture size can be asked for, in the file and by the admin.
pub(crate) const BITRATES_BPS: std::ops::RangeInclusive<u32> = 50_000..=50_000_000;

/// Everything `carrier run` can be told. `carrier.example.toml` documents each key and is equal to
/// the default; a test holds the two together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// What the station is called on its page.
    pub(crate) name: String,
    /// As `--source`.
    pub(crate) source: String,
    /// As `--loop`.
    #[serde(rename = "loop")]
    pub(crate) loop_file: bool,
    pub(crate) camera: CameraConfig,
    /// As `--model`.
    pub(crate) model: String,
    /// As `--min-score`; absent is the model's own threshold.
    pub(crate) min_score: Option<f32>,
    /// Execution provider: auto, cpu, openvino or cuda.
    pub(crate) provider: String,
    /// Where OpenVINO computes: CPU, GPU, NPU or AUTO.
    pub(crate) openvino_device: String,
    /// Threads of one inference, 0 for the detector's own choice.
    pub(crate) threads: usize,
    /// As `--listen`.
    pub(crate) listen: String,
    /// As `--listen-tls`; absent: plain HTTP alone.
    pub(crate) listen_tls: Option<String>,
    pub(crate) tls: TlsConfig,
    /// As `--public-url`; absent: this machine's own address.
    pub(crate) public_url: Option<String>,
    /// As `--media-port`.
    pub(crate) media_port: u16,
    /// As `--data`; absent: the XDG data folder.
    pub(crate) data: Option<PathBuf>,
    /// What viewers can get, largest first.
    pub(crate) renditions: Vec<RenditionConfig>,
    /// Guards what changes state for others; absent: made at first start and kept.
    pub(crate) admin_token: Option<String>,
    /// Lets its holder publish, and nothing else; absent: publishing needs the admin token.
    pub(crate) whip_token: Option<String>,
    pub(crate) viewers: ViewersConfig,
    pub(crate) http: HttpConfig,
    /// Told to viewers; none by default, so that nothing is asked outside of this network.
    pub(crate) ice_servers: Vec<IceServer>,
    pub(crate) publish: PublishConfig,
    pub(crate) network: NetworkConfig,
    pub(crate) stylise: StyliseConfig,
    pub(crate) booth: BoothConfig,
    pub(crate) wifi: WifiConfig,
}

/// What is asked of a webcam. The nearest mode it offers is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CameraConfig {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) fps: u32,
}

impl Default for CameraConfig {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 720,
            fps: 30,
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: "carrier".to_owned(),
            source: "auto".to_owned(),
            loop_file: false,
            camera: CameraConfig::default(),
            model: "auto".to_owned(),
            min_score: None,
            provider: "auto".to_owned(),
            openvino_device: "CPU".to_owned(),
            threads: 0,
            listen: "[::]:8080".to_owned(),
            listen_tls: None,
            tls: TlsConfig::default(),
            public_url: None,
            media_port: 8189,
            data: None,
            renditions: renditions::defaults(),
            admin_token: None,
            whip_token: None,
            viewers: ViewersConfig::default(),
            http: HttpConfig::default(),
            ice_servers: Vec::new(),
            publish: PublishConfig::default(),
            network: NetworkConfig::default(),
            stylise: StyliseConfig::default(),
            booth: BoothConfig::default(),
            wifi: WifiConfig::default(),
        }
    }
}

/// What is wrong with the configuration, naming the file or the key.
#[derive(Debug, Error)]
pub(crate) enum ConfigError {
    #[error("cannot read the configuration {path}: {source}", path = path.display())]
    Read {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{path} is not a valid configuration:\n{source}", path = path.display())]
    Parse {
        path: PathBuf,
        source: Box<toml::de::Error>,
    },
    #[error("{key} = {value}: {why}")]
    Value {
        key: &'static str,
        value: String,
        why: String,
    },
}

impl Config {
    /// Joins the sources. `args` holds command line and environment already, in that order; `file`
    /// was named by the user, `default_file` is read only if it exists.
    pub(crate) fn load(args: &RunArgs, default_file: Option<&Path>) -> Result<Self, ConfigError> {
        let named = args.config.as_deref();
        let file = named.or_else(|| default_file.filter(|path| path.exists()));
        let mut config = match file {
            Some(path) => Self::from_file(path)?,
            None => Self::default(),
        };
        config.overlay(args);
        config.check()?;
        Ok(config)
    }

    fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| ConfigError::Parse {
            path: path.to_owned(),
            source: Box::new(source),
        })
    }

    fn overlay(&mut self, args: &RunArgs) {
        let take = |to: &mut String, from: &Option<String>| {
            if let Some(value) = from {
                to.clone_from(value);
            }
        };
        take(&mut self.source, &args.source);
        take(&mut self.model, &args.model);
        take(&mut self.provider, &args.provider);
        take(&mut self.listen, &args.listen);
        self.loop_file = args.loop_file.unwrap_or(self.loop_file);
        self.min_score = args.min_score.or(self.min_score);
        self.listen_tls = args.listen_tls.clone().or(self.listen_tls.take());
        self.public_url = args.public_url.clone().or(self.public_url.take());
        self.media_port = args.media_port.unwrap_or(self.media_port);
        self.data = args.data.clone().or(self.data.take());
        self.network.overlay();
        // Not an option of the command line, where every user of the machine could read it.
        if let Some(token) = environment::value("CARRIER_ADMIN_TOKEN") {
            self.admin_token = Some(token);
        }
        self.publish.overlay_environment();
        self.stylise.overlay_environment();
    }

    fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: &dyn ToString, why: &str| {
            Err(ConfigError::Value {
                key,
                value: value.to_string(),
                why: why.to_owned(),
            })
        };
        if let Some(score) = self.min_score.filter(|score| !(0.0..=1.0).contains(score)) {
            return wrong("min_score", &score, "a score lies between 0 and 1");
        }
        renditions::check(&self.renditions)?;
        if self.provider != "auto" && self.provider.parse::<detector::Provider>().is_err() {
            return wrong(
                "provider",
                &self.provider,
                "one of auto, cpu, openvino, cuda",
            );
        }
        let camera = &self.camera;
        if camera.width == 0 || camera.height == 0 || !(1..=240).contains(&camera.fps) {
            let value = format!("{}x{} at {}", camera.width, camera.height, camera.fps);
            return wrong(
                "camera",
                &value,
                "width and height above 0, fps from 1 to 240",
            );
        }
        if let Some(token) = &self.admin_token {
            check_token("admin_token", token)?;
        }
        if self
            .whip_token
            .as_deref()
            .is_some_and(|token| token.trim().len() < 8)
        {
            let why = "at least 8 characters, or leave it out";
            return wrong("whip_token", &"(hidden)", why);
        }
        self.listen_addr()?;
        self.listen_tls_addr()?;
        self.tls.check(self.listen_tls.is_some())?;
        self.viewers.check()?;
        self.http.check()?;
        self.ice_servers.iter().try_for_each(IceServer::check)?;
        self.publish.check()?;
        self.stylise.check()?;
        self.network.check()?;
        public_url::check(self.public_url.as_deref())?;
        if self.data.as_ref().is_some_and(|data| data == Path::new("")) {
            return wrong("data", &"", "name a folder, or leave it out");
        }
        self.booth.check()?;
        self.wifi.check()
    }

    /// Tokens that let others do less than everything, and are easily guessed: the owner is warned of
    /// them. One that guards everything is refused.
    pub(crate) fn weak_tokens(&self) -> Vec<(&'static str, &'static str)> {
        let tokens = [
            ("whip_token", self.whip_token.as_deref()),
            ("viewers.token", self.viewers.token.as_deref()),
        ];
        let weak = |(key, token): (_, Option<&str>)| Some((key, weakness(token?)?));
        tokens.into_iter().filter_map(weak).collect()
    }

    /// Where what visitors make is kept; `None`: there is no home folder, and none is named.
    pub(crate) fn data_folder(&self, paths: &Paths) -> Option<PathBuf> {
        self.data.clone().or_else(|| paths.data_folder())
    }

    /// Where HTTP listens.
    pub(crate) fn listen_addr(&self) -> Result<SocketAddr, ConfigError> {
        socket_address("listen", &self.listen)
    }

    /// Where HTTPS listens, if it does.
    pub(crate) fn listen_tls_addr(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let listen = self.listen_tls.as_deref();
        listen
            .map(|listen| socket_address("listen_tls", listen))
            .transpose()
    }
}

/// A token of the owner's own choice that is not easily guessed.
fn check_token(key: &'static str, token: &str) -> Result<(), ConfigError> {
    match weakness(token) {
        None => Ok(()),
        Some(why) => Err(ConfigError::Value {
            key,
            value: "(hidden)".to_owned(),
            why: why.to_owned(),
        }),
    }
}

fn socket_address(key: &'static str, value: &str) -> Result<SocketAddr, ConfigError> {
    value.parse().map_err(|_| ConfigError::Value {
        key,
        value: value.to_owned(),
        why: "an address and a port, such as 127.0.0.1:8080 or [::]:8080".to_owned(),
    })
}

#[cfg(test)]
mod tests;
