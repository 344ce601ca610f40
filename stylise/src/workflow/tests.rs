//! Workflows as owners write them, right and wrong.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

const TOML: &str = r#"
title = "Test"
workflow = "test.json"
output = "Result"
[bind]
image = "Photo.image"
prompt = "30.text"
seed = "40.seed"
denoise = "40.denoise"
width = "21.width"
height = "21.height"
[[styles]]
id = "comic"
title = "Comic"
prompt = "ink"
denoise = 0.6
[[styles]]
id = "as-it-is"
title = "As it is"
"#;

fn graph() -> Value {
    json!({
        "20": {"class_type": "LoadImage", "inputs": {"image": "a.png"}, "_meta": {"title": "Photo"}},
        "21": {"class_type": "ImageScale", "inputs": {"image": ["20", 0], "width": 1, "height": 1}},
        "30": {"class_type": "CLIPTextEncode", "inputs": {"text": "own words"}},
        "40": {"class_type": "KSampler", "inputs": {"seed": 7, "denoise": 1.0, "positive": ["30", 0]}},
        "60": {"class_type": "PreviewImage", "inputs": {"images": ["21", 0]}, "_meta": {"title": "Result"}},
    })
}

fn parse(toml: &str, graph: &Value) -> Result<Workflow, String> {
    Workflow::parse("test", toml, &graph.to_string()).map_err(|error| error.to_string())
}

fn complaint(from: &str, to: &str) -> String {
    assert!(TOML.contains(from), "{from}");
    parse(&TOML.replacen(from, to, 1), &graph()).expect_err(to)
}

#[test]
fn values_go_where_they_are_bound_and_nothing_else_changes() {
    let workflow = parse(TOML, &graph()).expect("valid");
    let filled = workflow.fill(&workflow.styles()[0], "x.jpg [temp]", 5, 1280, 720);
    let mut wanted = graph();
    wanted["20"]["inputs"]["image"] = json!("x.jpg [temp]");
    wanted["21"]["inputs"]["width"] = json!(1280);
    wanted["21"]["inputs"]["height"] = json!(720);
    wanted["30"]["inputs"]["text"] = json!("ink");
    wanted["40"]["inputs"]["seed"] = json!(5);
    wanted["40"]["inputs"]["denoise"] = json!(0.6);
    assert_eq!(filled, wanted);
    let own = workflow.fill(&workflow.styles()[1], "x", 5, 64, 64);
    assert_eq!(own["30"]["inputs"]["text"], "own words");
    assert_eq!(own["40"]["inputs"]["denoise"], 1.0);
}

#[test]
fn all_but_the_picture_may_be_left_out() {
    let short = "title = \"T\"\nworkflow = \"t.json\"\noutput = \"60\"\n[bind]\nimage = \"20.image\"\n\
                 [[styles]]\nid = \"a\"\ntitle = \"A\"";
    let workflow = parse(short, &graph()).expect("valid");
    let filled = workflow.fill(&workflow.styles()[0], "x", 5, 64, 64);
    let mut wanted = graph();
    wanted["20"]["inputs"]["image"] = json!("x");
    assert_eq!(filled, wanted);
}

#[test]
fn errors_name_file_and_key_and_what_there_is() {
    let nowhere = complaint("Photo.image", "Foto.image");
    for part in [
        "test.toml: bind.image",
        "`Foto`",
        "20 (Photo)",
        "40 (KSampler)",
    ] {
        assert!(nowhere.contains(part), "{nowhere}");
    }
    let input = complaint("40.seed", "40.sed");
    assert!(input.contains("it has denoise, positive, seed"), "{input}");
    let link = complaint("30.text", "40.positive");
    assert!(link.contains("comes from node 30"), "{link}");
    assert!(complaint("30.text", "text").contains("NODE.INPUT"));
    assert!(complaint("\"Result\"", "\"99\"").contains("output"));
    assert!(complaint("Photo.image", "21.width").contains("LoadImage"));
    assert!(complaint("width = \"21.width\"", "").contains("go together"));
    assert!(complaint("prompt = \"30.text\"", "").contains("bind.prompt"));
    assert!(complaint("denoise = \"40.denoise\"", "").contains("bind.denoise"));
    assert!(complaint("denoise = 0.6", "denoise = 1.6").contains("denoise"));
    assert!(complaint("denoise = 0.6", "denoise = nan").contains("denoise"));
    assert!(complaint("\"comic\"", "\"Comic!\"").contains("lower-case"));
    assert!(complaint("\"comic\"", "\"as-it-is\"").contains("twice"));
    assert!(complaint("test.json", "../test.json").contains("workflow"));
    assert!(complaint("title = \"Test\"", "titel = \"Test\"").contains("titel"));
    assert!(complaint("output", "max_megapixels = 99\noutput").contains("max_megapixels"));
}

#[test]
fn an_id_wins_over_a_title_and_an_ambiguous_title_names_both() {
    let mut both = graph();
    both["21"]["_meta"] = json!({"title": "20"});
    let workflow = parse(&TOML.replace("Photo.image", "20.image"), &both).expect("by id");
    assert_eq!(workflow.bind.image.node, "20");
    both["21"]["_meta"] = json!({"title": "Photo"});
    let error = parse(TOML, &both).expect_err("two of them");
    assert!(
        error.contains("20 and 21") && error.contains("Photo"),
        "{error}"
    );
}

#[test]
fn a_byte_order_mark_before_either_file_is_no_part_of_it() {
    let marked = |text: &str| format!("\u{feff}{text}");
    let workflow = Workflow::parse("test", &marked(TOML), &marked(&graph().to_string()));
    assert_eq!(workflow.expect("read").styles().len(), 2);
}

#[test]
fn what_is_no_export_in_api_format_is_told() {
    let saved = parse(TOML, &json!({"nodes": [], "links": [], "version": 0.4})).expect_err("saved");
    assert!(
        saved.contains("test.json") && saved.contains("Export (API)"),
        "{saved}"
    );
    for wrong in [
        json!([]),
        json!({}),
        json!({"1": {}}),
        json!({"1": {"class_type": "A"}}),
    ] {
        assert!(parse(TOML, &wrong).is_err(), "{wrong}");
    }
    let mut dangling = graph();
    dangling["60"]["inputs"]["images"] = json!(["77", 0]);
    assert!(
        parse(TOML, &dangling)
            .expect_err("gone")
            .contains("node 77")
    );
    let mut unkept = graph();
    unkept["60"]["class_type"] = json!("SaveImageWebsocket");
    assert!(
        parse(TOML, &unkept)
            .expect_err("not kept")
            .contains("PreviewImage")
    );
    let broken = Workflow::parse("test", TOML, "{").expect_err("no JSON");
    assert!(
        broken.to_string().starts_with("test.json: not JSON"),
        "{broken}"
    );
}

#[test]
fn the_shipped_ones_are_whole() {
    let loaded = load(None);
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);
    assert_eq!(loaded.workflows.len(), 3);
    for workflow in &loaded.workflows {
        assert!(workflow.styles().len() >= 5, "{}", workflow.name());
        for style in workflow.styles() {
            let filled = workflow.fill(style, "x.jpg [temp]", 1, 720, 1280);
            let (width, height) = (
                &filled["21"]["inputs"]["width"],
                &filled["21"]["inputs"]["height"],
            );
            assert!(width.as_u64() < height.as_u64(), "{width}x{height}");
            assert_eq!(filled["40"]["inputs"]["cfg"], 1.0);
        }
    }
}

struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("carrier-workflows-{}", Uuid::new_v4()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("writable");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_folder_goes_before_what_is_shipped_and_a_broken_file_keeps_no_other_out() {
    let folder = Folder::new();
    let with_example = TOML.replace("id = \"comic\"", "id = \"comic\"\nexample = \"c.jpg\"");
    folder.write("mine.toml", &with_example);
    folder.write("sdxl-turbo.toml", &TOML.replace("\"Test\"", "\"My turbo\""));
    folder.write("broken.toml", "title = ");
    folder.write("alone.toml", &TOML.replace("test.json", "gone.json"));
    folder.write("test.json", &graph().to_string());
    let loaded = load(Some(&folder.0));
    let titles: Vec<_> = loaded.workflows.iter().map(Workflow::title).collect();
    assert_eq!(titles[..2], ["Test", "My turbo"]);
    assert_eq!(titles.len(), 4, "{titles:?}");
    let example = loaded.workflows[0].styles()[0].example.as_deref();
    assert_eq!(example, Some(folder.0.join("c.jpg").as_path()));
    let broken: Vec<_> = loaded.broken.iter().map(ToString::to_string).collect();
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(
        broken[0].contains("gone.json") && broken[1].contains("broken.toml"),
        "{broken:?}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_told_and_what_is_shipped_stays() {
    let loaded = load(Some(Path::new("/nowhere/workflows")));
    assert_eq!((loaded.workflows.len(), loaded.broken.len()), (3, 1));
    assert!(loaded.broken[0].to_string().contains("/nowhere/workflows"));
}
