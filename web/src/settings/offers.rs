//! The sources and models among which the owner chooses over HTTP. Pure.
//!
//! Over HTTP nobody gives the station a path, an address or a command: a source is one that the configuration names (a
//! camera of `[[cameras]]` by its name), a camera that was found, or built in; a model is installed, or one that the configuration names.

use std::path::Path;

use capture::{Device, SourceSpec};
use detector::{Installed, ListedModel, ModelChoice};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::table::RefusedError;
use crate::config::CameraEntry;
use crate::config::cameras::camera_of;

/// What may be chosen now.
#[derive(Debug, Default)]
pub(crate) struct Offers {
    pub(crate) sources: Vec<SourceOffer>,
    pub(crate) models: Vec<ModelOffer>,
    devices: Vec<Device>,
    cameras: Vec<CameraEntry>,
}

/// A source that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct SourceOffer {
    /// The value for the setting `source`, without passwords.
    pub(crate) value: String,
    /// For people.
    pub(crate) name: String,
    pub(crate) kind: OfferKind,
    pub(crate) in_use: bool,
    /// For the configuration, with passwords.
    #[serde(skip)]
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OfferKind {
    /// Named by the file, an option or a variable: a network camera, a file, a pipe.
    Configured,
    Camera,
    Scene,
    /// The first working camera, else the scene.
    Auto,
}

/// A model that may be chosen.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ModelOffer {
    /// The value for the setting `model`.
    pub(crate) value: String,
    /// For people.
    pub(crate) name: String,
    /// `None`: known when it is in use.
    pub(crate) classes: Option<usize>,
    /// Whether it finds faces.
    pub(crate) faces: bool,
    /// The measured time of one run of the network on this machine; `None`: not yet in use since the start.
    pub(crate) milliseconds: Option<f64>,
    /// Whether it detects now.
    pub(crate) in_use: bool,
}

/// What is known of the model at work.
#[derive(Debug, Default)]
pub(crate) struct ModelAtWork {
    pub(crate) choice: ModelChoice,
    /// Its name; `None`: none detects.
    pub(crate) name: Option<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) milliseconds: Option<f64>,
}

impl Offers {
    /// `cameras`: those of the configuration; `configured`: sources that it names; `present`: the one in use.
    pub(crate) fn of_sources(
        cameras: &[CameraEntry],
        configured: &[String],
        present: &str,
        devices: Vec<Device>,
    ) -> Self {
        let mut offers = Self {
            devices,
            cameras: cameras.to_vec(),
            ..Self::default()
        };
        let found: Vec<String> = offers
            .devices
            .iter()
            .map(|device| format!("webcam:{}", device.id))
            .collect();
        let built_in = ["scene".to_owned(), "auto".to_owned()];
        let texts = configured.iter().cloned().chain([present.to_owned()]);
        let names = cameras.iter().map(|camera| camera.name.clone());
        for text in names.chain(texts).chain(found).chain(built_in) {
            offers.add_source(text);
        }
        let in_use = |offer: &SourceOffer| offers.is_same(&offer.text, present);
        let used = offers.sources.iter().position(in_use);
        if let Some(used) = used {
            offers.sources[used].in_use = true;
        }
        offers
    }

    fn add_source(&mut self, text: String) {
        let Some(spec) = self.spec(&text) else {
            return;
        };
        if self
            .sources
            .iter()
            .any(|other| self.is_same(&other.text, &text))
        {
            return;
        }
        let camera = self.device(&spec);
        let (kind, name) = match &spec {
            _ if camera_of(&self.cameras, &text).is_some() => (OfferKind::Camera, text.clone()),
            SourceSpec::Auto => (OfferKind::Auto, "auto".to_owned()),
            SourceSpec::Scene => (OfferKind::Scene, spec.plain_name()),
            SourceSpec::Webcam { .. } => {
                let name = camera.map_or_else(|| spec.plain_name(), |device| device.name.clone());
                (OfferKind::Camera, name)
            }
            _ => (OfferKind::Configured, spec.plain_name()),
        };
        self.sources.push(SourceOffer {
            value: shown_source(&text),
            name,
            kind,
            in_use: false,
            text,
        });
    }

    /// What a value of `source` opens.
    fn spec(&self, text: &str) -> Option<SourceSpec> {
        let camera = camera_of(&self.cameras, text);
        camera.map_or(text, |camera| &camera.source).parse().ok()
    }

    /// The camera that this source names by its id, path or number.
    fn device(&self, spec: &SourceSpec) -> Option<&Device> {
        let SourceSpec::Webcam { id: Some(id) } = spec else {
            return None;
        };
        self.devices.iter().find(|device| {
            device.id == *id || device.path == Path::new(id) || id.parse() == Ok(device.index)
        })
    }

    fn is_same(&self, one: &str, other: &str) -> bool {
        let (Some(one), Some(other)) = (self.spec(one), self.spec(other)) else {
            return one == other;
        };
        let (device, other_device) = (self.device(&one), self.device(&other));
        one == other || (device.is_some() && device == other_device)
    }

    /// `configured`: models that the configuration names; `seconds_of`: measured before, by name.
    pub(crate) fn with_models(
        mut self,
        configured: &[String],
        listed: &[ListedModel],
        at_work: &ModelAtWork,
        milliseconds_of: impl Fn(&str) -> Option<f64>,
    ) -> Self {
        let is_one_by_name =
            !matches!(at_work.choice, ModelChoice::File(_) | ModelChoice::Both(..));
        let is_here =
            |model: &&ListedModel| matches!(model.state, Installed::At(_) | Installed::BuiltIn);
        let installed = listed.iter().filter(is_here).map(|model| {
            let name = model.entry.name.clone();
            let in_use = is_one_by_name && at_work.name.as_ref() == Some(&name);
            let measured = at_work.milliseconds.filter(|_| in_use);
            ModelOffer {
                value: name.clone(),
                classes: Some(model.entry.labels.len()),
                faces: finds_faces(&model.entry.labels),
                milliseconds: measured.or_else(|| milliseconds_of(&name)),
                in_use,
                name,
            }
        });
        self.models = installed.collect();
        self.add_pairs(configured, at_work);
        for text in configured {
            let Ok(choice) = text.parse::<ModelChoice>();
            let is_listed = self.models.iter().any(|model| model.value == *text);
            let ModelChoice::File(path) = &choice else {
                continue;
            };
            if is_listed {
                continue;
            }
            let in_use = at_work.name.is_some() && at_work.choice == choice;
            let file_name = path.file_name().unwrap_or_default();
            self.models.push(ModelOffer {
                value: text.clone(),
                name: file_name.to_string_lossy().into_owned(),
                classes: in_use.then_some(at_work.labels.len()),
                faces: in_use && finds_faces(&at_work.labels),
                milliseconds: at_work.milliseconds.filter(|_| in_use),
                in_use,
            });
        }
        self
    }

    /// Two models at once: those of the configuration, that at work, and the best one beside one for faces.
    fn add_pairs(&mut self, configured: &[String], at_work: &ModelAtWork) {
        let mut singles = self.models.iter();
        let for_faces = singles.find(|model| model.faces && model.classes == Some(1));
        let best = for_faces.map(|model| format!("auto+{}", model.value));
        let present = at_work.choice.to_string();
        for text in configured.iter().chain(&best).chain([&present]) {
            let Ok(choice) = text.parse::<ModelChoice>();
            let is_listed = self.models.iter().any(|model| model.value == *text);
            if is_listed || !matches!(choice, ModelChoice::Both(..)) {
                continue;
            }
            let in_use = at_work.name.is_some() && *text == present;
            self.models.push(ModelOffer {
                value: text.clone(),
                name: text.clone(),
                classes: in_use.then_some(at_work.labels.len()),
                faces: best.as_ref() == Some(text) || (in_use && finds_faces(&at_work.labels)),
                milliseconds: at_work.milliseconds.filter(|_| in_use),
                in_use,
            });
        }
    }

    /// Whether this may be chosen: what is listed, or two of it.
    fn offers_model(&self, value: &str) -> bool {
        let values = self.model_values();
        let Ok(choice) = value.parse::<ModelChoice>();
        let is_half =
            |half: ModelChoice| half != ModelChoice::None && values.contains(&half.to_string());
        match choice {
            ModelChoice::Both(first, second) if !values.iter().any(|one| one == value) => {
                is_half(*first) && is_half(*second)
            }
            _ => values.iter().any(|one| one == value),
        }
    }

    /// The values that the setting `source` takes.
    pub(crate) fn source_values(&self) -> Vec<String> {
        let values = self.sources.iter().map(|source| source.value.clone());
        values.collect()
    }

    /// The values that the setting `model` takes.
    pub(crate) fn model_values(&self) -> Vec<String> {
        let models = self.models.iter().map(|model| model.value.clone());
        let choices = ["auto", "none"].map(str::to_owned);
        choices.into_iter().chain(models).collect()
    }

    /// A change of the settings as it came over HTTP, with passwords of configured sources; or why it is refused.
    pub(crate) fn admit(&self, mut patch: Value) -> Result<Value, RefusedError> {
        let refused = |key: &str, value: &str, choices: &[String]| RefusedError {
            key: key.to_owned(),
            detail: format!(
                "{value:?} cannot be chosen here; use {}",
                choices.join(", ")
            ),
        };
        if let Some(value) = chosen(&mut patch, "source") {
            let is_it = |one: &&SourceOffer| one.value == *value || self.is_same(&one.text, value);
            let offered = self.sources.iter().find(is_it);
            let text = offered.map(|source| source.text.clone());
            *value = text.ok_or_else(|| refused("source", value, &self.source_values()))?;
        }
        if let Some(value) = chosen(&mut patch, "model")
            && !self.offers_model(value)
        {
            return Err(refused("model", value, &self.model_values()));
        }
        Ok(patch)
    }
}

fn finds_faces(labels: &[String]) -> bool {
    labels
        .iter()
        .any(|label| label.eq_ignore_ascii_case("face"))
}

/// A source as the configuration has it, without the password of an address.
pub(crate) fn shown_source(text: &str) -> String {
    match text.parse::<SourceSpec>() {
        Ok(spec) if text.contains("://") => spec.to_string(),
        _ => text.to_owned(),
    }
}

/// Whether a change names what [`Offers::admit`] looks at.
pub(crate) fn is_choice(patch: &Value) -> bool {
    ["source", "model"]
        .iter()
        .any(|key| patch.get(key).is_some())
}

/// The text of this key; `null` and values of other types are left to the table of settings.
fn chosen<'a>(patch: &'a mut Value, key: &str) -> Option<&'a mut String> {
    match patch.get_mut(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;

    use super::*;

    const SECRET: &str = "rtsp://me:secret@10.0.0.5/stream";
    const HIDDEN: &str = "rtsp://***@10.0.0.5/stream";

    fn camera() -> Device {
        Device {
            id: "usb-C920".to_owned(),
            path: PathBuf::from("/dev/video2"),
            index: 2,
            name: "HD Pro Webcam".to_owned(),
            modes: Vec::new(),
            other_formats: Vec::new(),
        }
    }

    fn sources(configured: &[&str], present: &str) -> Offers {
        let configured: Vec<String> = configured.iter().map(|text| (*text).to_owned()).collect();
        Offers::of_sources(&[], &configured, present, vec![camera()])
    }

    fn kinds(offers: &Offers) -> Vec<(&str, OfferKind, bool)> {
        let one = |offer: &'_ SourceOffer| (offer.kind, offer.in_use);
        let values = offers.sources.iter();
        values
            .map(|offer| (offer.value.as_str(), one(offer).0, one(offer).1))
            .collect()
    }

    #[test]
    fn sources_are_configured_found_or_built_in_and_one_is_in_use() {
        let expected = [
            (HIDDEN, OfferKind::Configured, false),
            ("webcam:usb-C920", OfferKind::Camera, true),
            ("scene", OfferKind::Scene, false),
            ("auto", OfferKind::Auto, false),
        ];
        assert_eq!(kinds(&sources(&[SECRET], "webcam:usb-C920")), expected);
        // The same camera by another of its names is listed once.
        let twice = sources(&["/dev/video2"], "webcam:2");
        let first = &twice.sources[0];
        assert_eq!((first.name.as_str(), first.in_use), ("HD Pro Webcam", true));
        assert_eq!(twice.sources.len(), 3);
        // A camera that was unplugged since is still what is chosen.
        let gone = sources(&["auto"], "webcam:usb-gone");
        let used = gone.sources.iter().find(|source| source.in_use);
        assert_eq!(used.map(|used| used.kind), Some(OfferKind::Camera));
    }

    #[test]
    fn cameras_with_names_come_first_and_stand_for_their_devices() {
        let entry = |name: &str, source: &str| CameraEntry {
            name: name.to_owned(),
            source: source.to_owned(),
            ..CameraEntry::default()
        };
        let cameras = [entry("front", "/dev/video2"), entry("back", SECRET)];
        let configured = ["auto".to_owned()];
        let with =
            |present: &str| Offers::of_sources(&cameras, &configured, present, vec![camera()]);
        let (first, back) = (with("auto"), with("back"));
        assert_eq!(
            kinds(&first),
            [
                ("front", OfferKind::Camera, true),
                ("back", OfferKind::Camera, false),
                ("scene", OfferKind::Scene, false),
            ]
        );
        let in_use = |offers: &Offers| offers.sources.iter().position(|source| source.in_use);
        assert_eq!((in_use(&back), in_use(&with("scene"))), (Some(1), Some(2)));
        for (text, taken) in [("back", "back"), ("auto", "front"), ("webcam:2", "front")] {
            let admitted = back.admit(json!({ "source": text }));
            assert_eq!(admitted, Ok(json!({ "source": taken })), "{text}");
        }
        assert!(back.admit(json!({"source": "side"})).is_err());
    }

    #[test]
    fn a_password_is_put_back_and_never_shown() {
        let offers = sources(&[SECRET], "scene");
        let admitted = offers.admit(json!({"source": HIDDEN})).expect("offered");
        assert_eq!(admitted, json!({"source": SECRET}));
        let shown = serde_json::to_string(&offers.sources).expect("JSON");
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn paths_addresses_and_unknown_names_are_refused() {
        let offers = sources(&["clip.mp4"], "scene");
        for (fine, taken) in [
            ("clip.mp4", "clip.mp4"),
            ("file:clip.mp4", "clip.mp4"),
            ("scene", "scene"),
            ("auto", "auto"),
            ("webcam:usb-C920", "webcam:usb-C920"),
            ("/dev/video2", "webcam:usb-C920"),
        ] {
            let admitted = offers.admit(json!({ "source": fine }));
            assert_eq!(admitted, Ok(json!({ "source": taken })), "{fine}");
        }
        for wrong in [
            "/etc/passwd",
            "other.mp4",
            "rtsp://10.0.0.9/",
            "y4m:-",
            "webcam:usb-other",
            "/dev/video9",
            "",
        ] {
            let refused = offers.admit(json!({"source": wrong})).expect_err(wrong);
            assert_eq!(refused.key, "source");
            assert!(refused.detail.contains("clip.mp4"), "{}", refused.detail);
        }
        for wrong in ["/tmp/x.onnx", "yolox_nano", "x"] {
            let refused = offers.admit(json!({"model": wrong})).expect_err(wrong);
            assert_eq!(refused.key, "model");
        }
        for other in [json!({"name": "x"}), json!({"source": null}), json!(1)] {
            assert_eq!(offers.admit(other.clone()), Ok(other));
        }
    }

    #[test]
    fn models_are_installed_or_configured_and_measured() {
        let store = detector::ModelStore::new(&detector::Places::default()).expect("valid");
        let at_work = ModelAtWork {
            name: Some("embedded".to_owned()),
            milliseconds: Some(7.5),
            ..ModelAtWork::default()
        };
        let configured = ["/opt/own.onnx".to_owned(), "auto".to_owned()];
        let offers = Offers::default().with_models(&configured, &store.list(), &at_work, |_| None);
        assert_eq!(
            offers.model_values(),
            ["auto", "none", "embedded", "/opt/own.onnx"]
        );
        let embedded = &offers.models[0];
        assert!(embedded.in_use && embedded.faces && embedded.classes > Some(1));
        assert_eq!(embedded.milliseconds, Some(7.5));
        let own = &offers.models[1];
        assert_eq!(
            (own.name.as_str(), own.in_use, own.classes),
            ("own.onnx", false, None)
        );
        assert!(offers.admit(json!({"model": "/opt/own.onnx"})).is_ok());

        for (two, is_offered) in [
            ("embedded+embedded", true),
            ("auto+/opt/own.onnx", true),
            ("none+embedded", false),
            ("embedded+/etc/passwd.onnx", false),
        ] {
            let admitted = offers.admit(json!({ "model": two }));
            assert_eq!(admitted.is_ok(), is_offered, "{two}");
        }
        let both = ModelAtWork {
            choice: "embedded+yunet".parse().expect("infallible"),
            name: Some("embedded".to_owned()),
            milliseconds: Some(7.5),
            labels: vec!["person".to_owned(), "face".to_owned()],
        };
        let offers = Offers::default().with_models(&configured, &store.list(), &both, |_| None);
        let in_use: Vec<&ModelOffer> = offers.models.iter().filter(|one| one.in_use).collect();
        assert_eq!(
            (in_use.len(), in_use[0].value.as_str()),
            (1, "embedded+yunet")
        );
        assert!(in_use[0].faces && in_use[0].classes == Some(2));

        let file = ModelAtWork {
            choice: ModelChoice::File("/opt/own.onnx".into()),
            labels: vec!["face".to_owned()],
            ..at_work
        };
        let before = |name: &str| (name == "embedded").then_some(9.0);
        let offers = Offers::default().with_models(&configured, &store.list(), &file, before);
        let (embedded, own) = (&offers.models[0], &offers.models[1]);
        assert_eq!((embedded.in_use, embedded.milliseconds), (false, Some(9.0)));
        assert!(own.in_use && own.faces);
        assert_eq!((own.classes, own.milliseconds), (Some(1), Some(7.5)));
    }
}
