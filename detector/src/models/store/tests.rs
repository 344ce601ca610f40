use sha2::{Digest, Sha256};

use super::*;
use crate::models::installed::hex;

/// A folder that is removed when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("carrier-store-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("temporary folder");
        Self(path)
    }

    fn put(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, contents).expect("writable");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn store(folders: &[&Folder]) -> ModelStore {
    let mut text = String::new();
    for (name, contents, ap) in [
        ("yolox_nano", "one", 25.8),
        ("nanodet_plus_m_416", "three", 30.4),
    ] {
        let sha256 = hex(&Sha256::digest(contents));
        text += &format!(
            "[[model]]\nname = \"{name}\"\nlicence = \"MIT\"\nhead = \"yolox\"\nlabels = \"coco80\"\n\
             min_score = 0.5\npublished_ap = {ap}\nsha256 = \"{sha256}\"\nbytes = {}\n[model.input]\nname = \"i\"\nwidth = 64\n\
             height = 64\nlayout = \"nchw\"\ncolour = \"rgb\"\nmean = [0, 0, 0]\nstd = [1, 1, 1]\n\
             resize = \"stretch\"\n",
            contents.len()
        );
    }
    let manifest = Manifest::parse(&text).expect("valid");
    ModelStore::with(
        manifest,
        folders.iter().map(|folder| folder.0.clone()).collect(),
    )
}

fn name(found: Result<Option<InstalledModel>, StoreError>) -> String {
    found.expect("found").expect("some").entry.name.clone()
}

#[test]
fn choices_are_parsed_as_documented() {
    let read = |text: &str| text.parse::<ModelChoice>().expect("infallible");
    assert_eq!(read("auto"), ModelChoice::Auto);
    assert_eq!(read("none"), ModelChoice::None);
    assert_eq!(
        read("yolox_nano"),
        ModelChoice::Named("yolox_nano".to_owned())
    );
    assert_eq!(read("mine.onnx"), ModelChoice::File("mine.onnx".into()));
    assert_eq!(read("./mine").to_string(), "./mine");
    for (text, first, second) in [
        ("yolox_nano+yunet", "yolox_nano", "yunet"),
        ("auto+./a/face.onnx", "auto", "./a/face.onnx"),
        ("./a+b/c.onnx+yunet", "./a+b/c.onnx", "yunet"),
        ("my.onnx+other.onnx", "my.onnx", "other.onnx"),
    ] {
        let both = ModelChoice::Both(Box::new(read(first)), Box::new(read(second)));
        assert_eq!(read(text), both);
        assert_eq!(both.to_string(), text);
    }
    for path in ["./a+b.onnx", "/c++/x.onnx"] {
        assert_eq!(read(path), ModelChoice::File(path.into()));
    }
    assert_eq!(read("yunet+"), ModelChoice::Named("yunet+".to_owned()));
}

#[test]
fn auto_is_the_most_accurate_and_of_the_first_folder_that_has_it() {
    let (first, second) = (Folder::new("auto1"), Folder::new("auto2"));
    let store = store(&[&first, &second]);
    let nothing = store.find(&ModelChoice::Auto).expect_err("empty folders");
    assert_eq!(
        nothing.fix().as_deref(),
        Some("carrier models pull yolox_nano")
    );
    assert!(
        store
            .find(&ModelChoice::None)
            .expect("asked for nothing")
            .is_none()
    );

    let far = second.put("yolox_nano.onnx", b"one");
    assert_eq!(name(store.find(&ModelChoice::Auto)), "yolox_nano");
    let near = first.put("yolox_nano.onnx", b"one");
    let found = store
        .find(&ModelChoice::Auto)
        .expect("found")
        .expect("some");
    assert_ne!(near, far);
    assert_eq!(found.file, ModelFile::At(near));
    second.put("nanodet_plus_m_416.onnx", b"three");
    let names = |store: &ModelStore| {
        let candidates = store.candidates().into_iter();
        let names: Vec<String> = candidates.map(|model| model.entry.name.clone()).collect();
        names.join(" ")
    };
    assert_eq!(names(&store), "nanodet_plus_m_416 yolox_nano");
    second.put("nanodet_plus_m_416.onnx", b"thr");
    assert_eq!(names(&store), "yolox_nano", "a damaged file is left out");
}

#[test]
fn the_embedded_model_is_there_when_no_better_one_is() {
    let folder = Folder::new("embedded");
    let store = ModelStore::new(&Places {
        models: Some(folder.0.clone()),
        ..Places::default()
    })
    .expect("valid manifests");
    assert_eq!(
        name(store.find(&ModelChoice::Named("embedded".to_owned()))),
        "embedded"
    );
    let listed = store.list();
    let last = listed.last().expect("listed");
    assert_eq!(
        (&*last.entry.name, &last.state),
        ("embedded", &Installed::BuiltIn)
    );
    let unknown = store.find(&ModelChoice::Named("none such".to_owned()));
    let error = unknown.expect_err("unknown").to_string();
    assert!(error.contains("embedded"), "{error}");
}

#[test]
fn auto_prefers_an_installed_model_to_the_embedded_one() {
    let folder = Folder::new("prefer");
    let store = store(&[&folder]).embedding(embedded_model().expect("valid"));
    assert_eq!(name(store.find(&ModelChoice::Auto)), "embedded");
    let path = folder.put("yolox_nano.onnx", b"one");
    assert_eq!(name(store.find(&ModelChoice::Auto)), "yolox_nano");
    std::fs::write(path, b"on").expect("writable");
    let found = store.find(&ModelChoice::Auto);
    assert_eq!(name(found), "embedded", "a damaged file is no better model");
}

#[test]
fn a_file_is_known_by_its_hash_under_any_name() {
    let folder = Folder::new("hash");
    let path = folder.put("renamed.onnx", b"three");
    assert_eq!(
        name(store(&[]).find(&ModelChoice::File(path))),
        "nanodet_plus_m_416"
    );
}

#[test]
fn a_damaged_file_is_listed_and_refused_as_such() {
    let folder = Folder::new("damaged");
    folder.put("yolox_nano.onnx", b"on");
    let store = store(&[&folder]);
    let states: Vec<Installed> = store
        .list()
        .into_iter()
        .map(|listed| listed.state)
        .collect();
    assert_eq!(
        states,
        [
            Installed::Damaged(folder.0.join("yolox_nano.onnx")),
            Installed::No
        ]
    );
    let error = store
        .find(&ModelChoice::Named("yolox_nano".to_owned()))
        .expect_err("damaged");
    assert!(matches!(error, StoreError::Foreign { .. }), "{error}");
    assert_eq!(
        error.fix().as_deref(),
        Some("carrier models pull yolox_nano")
    );
}

#[test]
fn an_unknown_file_needs_a_manifest_beside_it() {
    let folder = Folder::new("unknown");
    let choice = ModelChoice::File(folder.put("foo.onnx", b"?"));
    let error = store(&[]).find(&choice).expect_err("unknown").to_string();
    assert!(error.contains("foo.toml"), "{error}");

    folder.put("foo.toml", b"name = \"foo\"\nhat = 3");
    let error = store(&[]).find(&choice).expect_err("a typo").to_string();
    assert!(
        error.contains("foo.toml") && error.contains("hat"),
        "{error}"
    );

    folder.put(
        "foo.toml",
        b"name = \"foo\"\nlicence = \"mine\"\nhead = \"yolox\"\nlabels = [\"cat\"]\nmin_score = 0.5\n\
          [input]\nname = \"i\"\nwidth = 64\nheight = 64\nlayout = \"nchw\"\ncolour = \"rgb\"\n\
          mean = [0, 0, 0]\nstd = [1, 1, 1]\nresize = \"stretch\"",
    );
    assert_eq!(name(store(&[]).find(&choice)), "foo");
}

#[test]
fn unknown_and_missing_names_say_what_there_is() {
    let store = store(&[]);
    let named = |name: &str| ModelChoice::Named(name.to_owned());
    let error = store.find(&named("yolo")).expect_err("unknown").to_string();
    assert!(error.contains("yolox_nano, nanodet_plus_m_416"), "{error}");
    assert!(error.contains("Did you mean `yolox_nano`? "), "{error}");
    let error = store.find(&named("zzz")).expect_err("unknown").to_string();
    assert!(!error.contains("mean"), "{error}");
    let error = store.find(&named("yolox_nano")).expect_err("missing");
    assert_eq!(
        error.fix().as_deref(),
        Some("carrier models pull yolox_nano")
    );
    let gone = store
        .find(&ModelChoice::File("/nowhere/x.onnx".into()))
        .expect_err("gone");
    assert!(gone.to_string().contains("/nowhere/x.onnx"), "{gone}");
}

#[test]
fn the_beginning_of_a_name_means_the_installed_model_of_several() {
    let folder = Folder::new("beginning");
    let store = store(&[&folder]);
    let named = |name: &str| ModelChoice::Named(name.to_owned());
    assert!(store.unknown("nanodet").is_none() && store.unknown("nano").is_some());
    let error = store.find(&named("nanodet")).expect_err("not installed");
    assert!(error.to_string().contains("nanodet"), "{error}");
    folder.put("nanodet_plus_m_416.onnx", b"three");
    for beginning in ["nanodet", "nanodet_plus", "nanodet_plus_m"] {
        assert_eq!(name(store.find(&named(beginning))), "nanodet_plus_m_416");
    }
    let both = ModelChoice::Both(Box::new(named("nanodet")), Box::new(named("nanodet")));
    assert!(matches!(store.find(&both), Err(StoreError::Two)));
}
