//! The configuration: one struct for each section of the file, and the precedence
//! *command line > `CARRIER_*` environment > file > default*.
//!
//! A new key is one line in its section, with its type and default, and its description in
//! `carrier.example.toml`; tests compare the two.

/// A section of the configuration file: one line per key, with its type and default.
macro_rules! section {
    ($(#[$meta:meta])* $name:ident {
        $($(#[$key_meta:meta])* $key:ident: $kind:ty = $default:expr,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            $($(#[$key_meta])* pub(crate) $key: $kind,)*
        }

        impl $name {
            #[cfg(test)]
            pub(super) const KEYS: &[&str] = &[$(stringify!($key)),*];

            /// The fields whose values differ.
            #[allow(dead_code, reason = "only the whole configuration is compared so")]
            pub(crate) fn differing(&self, other: &Self) -> Vec<&'static str> {
                let mut fields = Vec::new();
                $(if self.$key != other.$key {
                    fields.push(stringify!($key));
                })*
                fields
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }
    };
}

mod booth;
mod camera;
pub(crate) mod cameras;
mod counting;
mod error;
mod events;
pub(crate) mod hotspot;
pub(crate) mod http;
pub(crate) mod keepsake;
mod media;
mod mesh;
mod network;
mod play;
mod power;
mod privacy;
pub(crate) mod schedule;
mod screen;
mod telemetry;
mod token_strength;
mod visitors;
mod zones;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use capture::{SelectedSource, SourceSpec, SpecError};
use detector::{
    DetectWhen, DetectorConfig, Device, LabelContent, SECOND_FPS, SessionConfig, USUAL_FPS, Zone,
};
use signaling::Rendition;
use signaling::encode::selection::EncoderChoice;

pub(crate) use self::booth::{BoothConfig, StyliseConfig};
pub(crate) use self::camera::CameraConfig;
pub(crate) use self::cameras::CameraEntry;
pub(crate) use self::counting::CountingConfig;
pub(crate) use self::error::ConfigError;
pub(crate) use self::events::EventsConfig;
pub(crate) use self::http::{CertificateSource, HttpConfig};
pub(crate) use self::media::BITRATES_BPS;
pub(crate) use self::mesh::MeshConfig;
pub(crate) use self::network::IceServer;
pub(crate) use self::play::PlayConfig;
pub(crate) use self::power::PowerConfig;
pub(crate) use self::privacy::PrivacyConfig;
pub(crate) use self::screen::ScreenConfig;
pub(crate) use self::telemetry::TelemetryConfig;
pub(crate) use self::visitors::{ViewersConfig, WifiConfig, WifiSecurity};

use self::hotspot::HotspotConfig;
use self::http::TlsConfig;
use self::media::{PublishConfig, RenditionConfig};
use self::network::NetworkConfig;
use self::token_strength::{CHARACTERS_MIN, check_token, weakness};
use crate::cli::RunArgs;
use crate::environment::{self, Environment, UserFolders};

/// The highest limit on the rate of detections.
pub(crate) const DETECT_FPS_MAX: f32 = 60.0;

section! {
    /// The options of `carrier run`.
    #[derive(Debug)]
    Config {
        /// The station's name, on its page.
        name: String = "carrier".to_owned(),
        source: String = "auto".to_owned(),
        #[serde(rename = "loop")]
        loop_file: bool = false,
        camera: CameraConfig = CameraConfig::default(),
        /// Of which one is shown.
        cameras: Vec<CameraEntry> = Vec::new(),
        model: String = "auto".to_owned(),
        /// `None`: the model's own threshold.
        min_score: Option<f32> = None,
        /// The same for single classes, by name.
        class_scores: BTreeMap<String, f32> = BTreeMap::new(),
        /// The highest rate of detections; 0: as often as frames come and the model allows.
        detect_fps: f32 = 0.0,
        /// The same for the second of two models; 0: each time the first one detects.
        second_fps: f32 = SECOND_FPS,
        /// When frames are detected while somebody watches: always or motion.
        detect_when: DetectWhen = DetectWhen::default(),
        /// The classes that are shown; empty: all.
        classes: Vec<String> = Vec::new(),
        /// Objects that are smaller than this part of the picture, in width and in height, are not shown; 0: none.
        min_size: f32 = 0.0,
        /// Parts of the picture with names, and those in which nothing is detected.
        zones: Vec<Zone> = Vec::new(),
        /// Whether outlines and names of zones are painted.
        zone_outlines: bool = false,
        /// Whether boxes are painted.
        boxes: bool = true,
        /// What the labels of boxes say.
        labels: LabelContent = LabelContent::default(),
        /// Whether the name of a camera of `[[cameras]]` is painted on its pictures.
        camera_names: bool = true,
        /// Where the model runs: auto, cpu, openvino, openvino:GPU, cuda or tensorrt.
        device: String = "auto".to_owned(),
        /// Threads of one inference; 0: the detector chooses.
        threads: usize = 0,
        listen: String = "[::]:8080".to_owned(),
        /// `None`: no HTTPS.
        listen_tls: Option<String> = None,
        tls: TlsConfig = TlsConfig::default(),
        /// `None`: this machine's own address.
        public_url: Option<String> = None,
        media_port: u16 = 8189,
        /// `None`: the XDG data folder.
        data: Option<PathBuf> = None,
        /// What viewers can get, largest first.
        renditions: Vec<RenditionConfig> = media::default_renditions(),
        /// auto or openh264.
        encoder: String = "auto".to_owned(),
        /// Needed by whatever changes the state for others; `None`: made at the first start and kept.
        admin_token: Option<String> = None,
        /// Gives the right to publish, and no other; `None`: publishing needs the admin token.
        whip_token: Option<String> = None,
        viewers: ViewersConfig = ViewersConfig::default(),
        http: HttpConfig = HttpConfig::default(),
        /// STUN and TURN servers for viewers. None by default: nothing outside of this network is asked.
        ice_servers: Vec<IceServer> = Vec::new(),
        publish: PublishConfig = PublishConfig::default(),
        network: NetworkConfig = NetworkConfig::default(),
        stylise: StyliseConfig = StyliseConfig::default(),
        booth: BoothConfig = BoothConfig::default(),
        wifi: WifiConfig = WifiConfig::default(),
        hotspot: HotspotConfig = HotspotConfig::default(),
        privacy: PrivacyConfig = PrivacyConfig::default(),
        events: EventsConfig = EventsConfig::default(),
        telemetry: TelemetryConfig = TelemetryConfig::default(),
        screen: ScreenConfig = ScreenConfig::default(),
        power: PowerConfig = PowerConfig::default(),
        play: PlayConfig = PlayConfig::default(),
        counting: CountingConfig = CountingConfig::default(),
        mesh: MeshConfig = MeshConfig::default(),
    }
}

impl Config {
    /// Joins all sources. `args` holds the command line and its variables already, in that order. The
    /// file that `args` names must exist; `default_file` is read only if it exists. `with_kept_changes` applies
    /// what the owner changed while the program ran, after the file.
    pub(crate) fn load(
        args: &RunArgs,
        environment: &Environment,
        default_file: Option<&Path>,
        with_kept_changes: impl FnOnce(Self) -> Result<Self, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let named = args.file.config.as_deref();
        let file = named.or_else(|| default_file.filter(|path| path.exists()));
        let mut config = match file {
            Some(path) => Self::from_file(path)?,
            None => Self::default(),
        };
        config = with_kept_changes(config)?;
        config.overlay_options(args);
        config.overlay_environment(environment);
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

    /// One line for each option of the command line.
    fn overlay_options(&mut self, args: &RunArgs) {
        set(&mut self.source, &args.source);
        set(&mut self.loop_file, &args.loop_file);
        set(&mut self.model, &args.model);
        set(&mut self.min_score, &args.min_score);
        set(&mut self.device, &args.device);
        set(&mut self.listen, &args.listen);
        set(&mut self.listen_tls, &args.listen_tls);
        set(&mut self.public_url, &args.public_url);
        set(&mut self.media_port, &args.media_port);
        set(&mut self.data, &args.data);
        set(&mut self.screen.output, &args.screen);
    }

    /// What has a variable but no option.
    fn overlay_environment(&mut self, environment: &Environment) {
        set(&mut self.network.announce, &environment.announce);
        set(&mut self.admin_token, &environment.admin_token);
        set(&mut self.viewers.token, &environment.viewer_token);
        set(&mut self.whip_token, &environment.whip_token);
        set(&mut self.http.metrics_token, &environment.metrics_token);
        set(&mut self.publish.token, &environment.publish_token);
        set(&mut self.stylise.comfyui, &environment.comfyui);
        set(&mut self.stylise.token, &environment.comfyui_token);
        set(&mut self.events.webhook_secret, &environment.webhook_secret);
        set(&mut self.events.mqtt, &environment.mqtt);
        set(&mut self.telemetry.otlp, &environment.otlp);
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.check_detection()?;
        media::check_encoder(&self.encoder)?;
        media::check_renditions(&self.renditions)?;
        self.selected()?;
        self.device()?;
        self.camera.check()?;
        cameras::check(&self.cameras, &self.camera)?;
        self.counting.check()?;
        if let Some(token) = &self.admin_token {
            check_token("admin_token", token)?;
        }
        let whip_token = self.whip_token.as_deref();
        if whip_token.is_some_and(|token| token.trim().chars().count() < CHARACTERS_MIN) {
            let why = "at least 8 characters, or leave it out";
            return Err(ConfigError::hidden("whip_token", why));
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
        self.hotspot.check()?;
        http::check_public_url(self.public_url.as_deref())?;
        self.check_data()?;
        self.booth.check()?;
        self.privacy.check()?;
        self.events.check()?;
        self.telemetry.check()?;
        if self.events.mqtt_snapshot_s > 0 && self.privacy.close_after_idle_min > 0 {
            let value = self.events.mqtt_snapshot_s.to_string();
            let why = "pictures for MQTT count as watching: privacy.close_after_idle_min would have no effect";
            return Err(ConfigError::value("events.mqtt_snapshot_s", value, why));
        }
        self.screen.check()?;
        self.power.check()?;
        self.play.check()?;
        self.mesh.check()?;
        self.wifi.check()
    }

    /// What is shown of what is detected.
    fn check_detection(&self) -> Result<(), ConfigError> {
        if let Some(score) = self.min_score.filter(|score| !(0.0..=1.0).contains(score)) {
            let why = "a score lies between 0 and 1";
            return Err(ConfigError::value("min_score", score.to_string(), why));
        }
        for (class, score) in &self.class_scores {
            if !(0.0..=1.0).contains(score) {
                let value = format!("{class}: {score}");
                let why = "a score lies between 0 and 1";
                return Err(ConfigError::value("class_scores", value, why));
            }
        }
        for (key, fps) in [
            ("detect_fps", self.detect_fps),
            ("second_fps", self.second_fps),
        ] {
            if !(0.0..=DETECT_FPS_MAX).contains(&fps) {
                let why = "between 0, which means no limit, and 60";
                return Err(ConfigError::value(key, fps.to_string(), why));
            }
        }
        if !(0.0..=1.0).contains(&self.min_size) {
            let why = "a part of the picture lies between 0 and 1";
            return Err(ConfigError::value(
                "min_size",
                self.min_size.to_string(),
                why,
            ));
        }
        zones::check(&self.zones, &self.cameras)
    }

    fn check_data(&self) -> Result<(), ConfigError> {
        if self.data.as_ref().is_some_and(|data| data == Path::new("")) {
            let why = "name a folder, or leave it out";
            return Err(ConfigError::value("data", "", why));
        }
        Ok(())
    }

    /// Easily guessed tokens that give limited rights, each with the reason: the owner is warned. Such an
    /// admin or metrics token is refused.
    pub(crate) fn weak_tokens(&self) -> Vec<(&'static str, &'static str)> {
        let tokens = [
            ("whip_token", self.whip_token.as_deref()),
            ("viewers.token", self.viewers.token.as_deref()),
        ];
        let weak = |(key, token): (_, Option<&str>)| Some((key, weakness(token?)?));
        tokens.into_iter().filter_map(weak).collect()
    }

    /// Where pictures of visitors are kept; `None` without a home folder, if none is configured.
    pub(crate) fn data_folder(&self, folders: &UserFolders) -> Option<PathBuf> {
        self.data.clone().or_else(|| folders.data_folder())
    }

    pub(crate) fn listen_addr(&self) -> Result<SocketAddr, ConfigError> {
        socket_address("listen", &self.listen)
    }

    /// Where media listens: on the address of the pages, or on every address if the pages have several.
    pub(crate) fn media_ip(&self) -> Result<IpAddr, ConfigError> {
        let http = self.listen_addr()?.ip();
        let https = self.listen_tls_addr()?.map_or(http, |at| at.ip());
        let any = IpAddr::V6(Ipv6Addr::UNSPECIFIED);
        let same = if https == http { http } else { any };
        Ok(self.network.media_listen.unwrap_or(same))
    }

    /// Where HTTPS listens; `None`: nowhere.
    pub(crate) fn listen_tls_addr(&self) -> Result<Option<SocketAddr>, ConfigError> {
        let listen = self.listen_tls.as_deref();
        listen
            .map(|listen| socket_address("listen_tls", listen))
            .transpose()
    }

    fn source_spec(&self) -> Result<SourceSpec, ConfigError> {
        self.source.parse().map_err(|error: SpecError| {
            let names: Vec<&str> = self.cameras.iter().map(|camera| &*camera.name).collect();
            let why = match (error, names.as_slice()) {
                (error @ SpecError::Unknown(_), [_, ..]) => {
                    format!("{error}; or a camera: {}", names.join(", "))
                }
                (error, _) => error.to_string(),
            };
            // An address may contain a password, and the error does not repeat it.
            match self.source.contains("://") {
                true => ConfigError::hidden("source", why),
                false => ConfigError::value("source", self.source.as_str(), why),
            }
        })
    }

    /// For the engine and the encoders.
    /// What `source` selects. With cameras, `auto` is the first of them.
    pub(crate) fn selected(&self) -> Result<SelectedSource, ConfigError> {
        match cameras::camera_of(&self.cameras, &self.source) {
            Some(camera) => Ok(SelectedSource::Camera(camera.name.clone())),
            None => self.source_spec().map(SelectedSource::Unnamed),
        }
    }

    /// The selected camera; `None`: a source without a name is.
    pub(crate) fn selected_camera(&self) -> Option<&CameraEntry> {
        cameras::camera_of(&self.cameras, &self.source)
    }

    /// The camera that follows the selected one; after a source without a name, the first. `None`: there is no other.
    pub(crate) fn next_camera(&self) -> Option<&CameraEntry> {
        let next = match self.selected_camera() {
            None => 0,
            Some(now) => {
                let index = self.cameras.iter().position(|camera| camera == now)?;
                (index + 1) % self.cameras.len()
            }
        };
        let next = self.cameras.get(next)?;
        (Some(next) != self.selected_camera()).then_some(next)
    }

    pub(crate) fn encoder(&self) -> EncoderChoice {
        // Checked with the configuration.
        EncoderChoice::from_name(&self.encoder).unwrap_or_default()
    }

    pub(crate) fn renditions(&self) -> Vec<Rendition> {
        media::renditions(&self.renditions)
    }

    pub(crate) fn detector(&self) -> Result<DetectorConfig, ConfigError> {
        let (Ok(model), Ok(faces)) = (self.model.parse(), self.privacy.face_model.parse());
        Ok(DetectorConfig {
            model,
            session: SessionConfig {
                threads: Some(self.threads).filter(|threads| *threads > 0),
                device: self.device()?,
                engines: environment::detector_places().engine_folder(),
            },
            places: environment::detector_places(),
            faces,
            wanted_fps: Some(match self.detect_fps {
                fps if fps > 0.0 => fps,
                _ => USUAL_FPS,
            }),
            second_fps: Some(self.second_fps),
        })
    }

    fn device(&self) -> Result<Device, ConfigError> {
        let why = || format!("one of {}", Device::FORMS);
        let device = self.device.parse::<Device>();
        device.map_err(|_| ConfigError::value("device", self.device.as_str(), why()))
    }
}

/// Sets a key, optional or not, if there is a value.
fn set<T: From<V>, V: Clone>(to: &mut T, from: &Option<V>) {
    if let Some(value) = from {
        *to = value.clone().into();
    }
}

fn socket_address(key: &'static str, value: &str) -> Result<SocketAddr, ConfigError> {
    let why = "an address and a port, such as 127.0.0.1:8080 or [::]:8080";
    value
        .parse()
        .map_err(|_| ConfigError::value(key, value, why))
}

#[cfg(test)]
mod tests;
