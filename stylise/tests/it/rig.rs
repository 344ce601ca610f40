//! A booth in a temporary folder, and a stylist that a test scripts.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use image::{ImageFormat, Rgb, RgbImage};
use prometheus_client::registry::Registry;
use stylise::{
    Booth, BoothMetrics, BoothSettings, CheckedPicture, JobContext, JobId, JobView, Limits, MadeBy,
    Order, PhotoKind, RemoteOrder, RequestKey, SharedPictures, State, Style, Stylist, StylistError,
    Submission, SubmitError, Submitted,
};
use uuid::Uuid;

use crate::checks::HANG_TIMEOUT;

pub(crate) type Outcome = Result<Vec<u8>, StylistError>;
type Script = dyn Fn(&Order, &dyn JobContext) -> Outcome + Send + Sync;

pub(crate) struct FakeStylist {
    made_by: MadeBy,
    script: Box<Script>,
    pub(crate) away: Mutex<Option<String>>,
    pub(crate) forgotten: Mutex<Vec<Uuid>>,
    gallery: Mutex<Option<Arc<dyn SharedPictures>>>,
}

impl FakeStylist {
    pub(crate) fn new(
        made_by: MadeBy,
        script: impl Fn(&Order, &dyn JobContext) -> Outcome + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            made_by,
            script: Box::new(script),
            away: Mutex::default(),
            forgotten: Mutex::default(),
            gallery: Mutex::default(),
        })
    }

    pub(crate) fn set_away(&self, reason: Option<&str>) {
        *self.away.lock().expect("no panic") = reason.map(str::to_owned);
    }

    /// The gallery that the booth gave.
    pub(crate) fn gallery(&self) -> Arc<dyn SharedPictures> {
        let gallery = self.gallery.lock().expect("no panic").clone();
        gallery.expect("the booth is open")
    }

    pub(crate) fn forgotten(&self) -> Vec<Uuid> {
        self.forgotten.lock().expect("no panic").clone()
    }
}

impl Stylist for FakeStylist {
    fn made_by(&self) -> MadeBy {
        self.made_by
    }

    fn use_gallery(&self, gallery: Arc<dyn SharedPictures>) {
        *self.gallery.lock().expect("no panic") = Some(gallery);
    }

    fn styles(&self) -> Vec<Style> {
        let style = |id: &str| Style {
            id: id.to_owned(),
            title: id.to_owned(),
            made_by: self.made_by,
            away: false,
        };
        match self.made_by {
            MadeBy::BuiltIn => vec![style("pencil"), style("comic")],
            MadeBy::Comfyui => vec![style("comic"), style("clay")],
        }
    }

    fn ready(&self) -> Result<(), StylistError> {
        match self.away.lock().expect("no panic").clone() {
            Some(reason) => Err(StylistError::Unavailable(reason)),
            None => Ok(()),
        }
    }

    fn stylise(&self, order: &Order, context: &dyn JobContext) -> Outcome {
        self.ready()?;
        (self.script)(order, context)
    }

    fn forget(&self, remote: &RemoteOrder) -> Result<(), StylistError> {
        self.ready()?;
        self.forgotten.lock().expect("no panic").push(remote.id);
        Ok(())
    }
}

/// Waits until the test opens the gate, or the job is cancelled or stopped.
pub(crate) fn wait_for_gate(
    gate: &Mutex<bool>,
    context: &dyn JobContext,
) -> Result<(), StylistError> {
    while !*gate.lock().expect("no panic") {
        if context.is_cancelled() {
            return Err(StylistError::Cancelled);
        }
        if context.is_stopping() {
            return Err(StylistError::Stopping);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

pub(crate) fn open_gate(gate: &Mutex<bool>) {
    *gate.lock().expect("no panic") = true;
}

pub(crate) struct Rig {
    pub(crate) settings: BoothSettings,
    pub(crate) registry: Registry,
}

impl Rig {
    pub(crate) fn new(topic: &str) -> Self {
        let name = format!("carrier-booth-it-{topic}-{:016x}", rand::random::<u64>());
        let mut settings = BoothSettings::in_folder(std::env::temp_dir().join(name));
        settings.tick = Duration::from_millis(20);
        Self {
            settings,
            registry: Registry::default(),
        }
    }

    pub(crate) fn open(&mut self, fakes: &[&Arc<FakeStylist>]) -> Booth {
        let mut stylists: Vec<Arc<dyn Stylist>> = Vec::new();
        for fake in fakes {
            stylists.push((*fake).clone());
        }
        self.registry = Registry::default();
        let kinds: Vec<_> = stylists.iter().map(|stylist| stylist.made_by()).collect();
        let metrics = BoothMetrics::register(&mut self.registry, &kinds);
        Booth::open(self.settings.clone(), stylists, metrics).expect("a booth")
    }

    pub(crate) fn pictures(&self) -> Vec<PathBuf> {
        files(&self.settings.folder.join("pictures"))
    }

    pub(crate) fn metrics(&self) -> String {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry).expect("a string");
        text
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.settings.folder);
    }
}

pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

/// A small picture of one colour.
pub(crate) fn png(colour: [u8; 3]) -> Vec<u8> {
    let picture = RgbImage::from_pixel(32, 32, Rgb(colour));
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("in memory");
    bytes.into_inner()
}

pub(crate) fn ask(visitor: &str, style: &str) -> Submission {
    Submission {
        visitor: visitor.to_owned(),
        address: visitor.to_owned(),
        style: style.to_owned(),
        photo_kind: PhotoKind::Single,
        made_by: None,
        source: CheckedPicture::read(&png([200, 30, 30]), &Limits::UPLOAD).expect("a picture"),
        share: false,
        key: None,
    }
}

pub(crate) fn key(id: u128) -> RequestKey {
    RequestKey {
        id: Uuid::from_u128(id),
        form: "the same picture".to_owned(),
    }
}

pub(crate) fn submit(booth: &Booth, visitor: &str, style: &str) -> JobView {
    let submitted: Result<Submitted, SubmitError> = booth.submit(ask(visitor, style));
    submitted.expect("taken").job
}

pub(crate) fn view(booth: &Booth, id: JobId) -> JobView {
    booth.view(id).expect("readable").expect("known")
}

/// Waits until `is` holds for the job.
pub(crate) fn wait(booth: &Booth, id: JobId, is: impl Fn(&JobView) -> bool) -> JobView {
    let start = Instant::now();
    loop {
        let now = view(booth, id);
        if is(&now) {
            return now;
        }
        assert!(start.elapsed() < HANG_TIMEOUT, "still {now:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) fn wait_for(booth: &Booth, id: JobId, state: State) -> JobView {
    wait(booth, id, |view| view.state == state)
}

pub(crate) fn until(what: &str, is: impl Fn() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < HANG_TIMEOUT, "{what}: not yet");
        std::thread::sleep(Duration::from_millis(2));
    }
}
