//! Parses valid and invalid workflows.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::test_folder::TestFolder;
use crate::workflow::*;

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
        "40": {"class_type": "KSampler", "inputs": {"seed": 7, "denoise": 1.0, "positive": ["30", 0], "latent_image": ["21", 0]}},
        "60": {"class_type": "PreviewImage", "inputs": {"images": ["40", 0]}, "_meta": {"title": "Result"}},
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
fn fill_sets_bound_inputs_only() {
    let workflow = parse(TOML, &graph()).expect("valid");
    let filled = workflow.fill(&workflow.styles[0], "x.jpg [temp]", 5, 1280, 720);
    let mut wanted = graph();
    wanted["20"]["inputs"]["image"] = json!("x.jpg [temp]");
    wanted["21"]["inputs"]["width"] = json!(1280);
    wanted["21"]["inputs"]["height"] = json!(720);
    wanted["30"]["inputs"]["text"] = json!("ink");
    wanted["40"]["inputs"]["seed"] = json!(5);
    wanted["40"]["inputs"]["denoise"] = json!(0.6);
    assert_eq!(filled, wanted);
    let own = workflow.fill(&workflow.styles[1], "x", 5, 64, 64);
    assert_eq!(own["30"]["inputs"]["text"], "own words");
    assert_eq!(own["40"]["inputs"]["denoise"], 1.0);
}

#[test]
fn only_the_picture_must_be_bound() {
    let short = "title = \"T\"\nworkflow = \"t.json\"\noutput = \"60\"\n[bind]\nimage = \"20.image\"\n\
                 [[styles]]\nid = \"a\"\ntitle = \"A\"";
    let workflow = parse(short, &graph()).expect("valid");
    let filled = workflow.fill(&workflow.styles[0], "x", 5, 64, 64);
    let mut wanted = graph();
    wanted["20"]["inputs"]["image"] = json!("x");
    assert_eq!(filled, wanted);
}

#[test]
fn errors_name_file_key_and_alternatives() {
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
    assert!(
        input.contains("it has denoise, latent_image, positive, seed"),
        "{input}"
    );
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
fn an_id_precedes_a_title_and_ambiguous_titles_are_errors() {
    let mut both = graph();
    both["21"]["_meta"] = json!({"title": "20"});
    let workflow = parse(&TOML.replace("Photo.image", "20.image"), &both).expect("by id");
    assert_eq!(workflow.bind.image[0].node, "20");
    both["21"]["_meta"] = json!({"title": "Photo"});
    let error = parse(TOML, &both).expect_err("two of them");
    assert!(
        error.contains("20 and 21") && error.contains("Photo"),
        "{error}"
    );
}

#[test]
fn byte_order_marks_are_ignored() {
    let marked = |text: &str| format!("\u{feff}{text}");
    let workflow = Workflow::parse("test", &marked(TOML), &marked(&graph().to_string()));
    assert_eq!(workflow.expect("read").styles.len(), 2);
}

#[test]
fn invalid_graphs_are_rejected_with_a_reason() {
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
    let mut elsewhere = graph();
    elsewhere["20"]["inputs"]["list"] = json!(["a", "b", "c"]);
    elsewhere["99"] = json!({"class_type": "A", "inputs": {"x": ["77", 0]}});
    assert!(
        parse(TOML, &elsewhere).is_ok(),
        "unneeded nodes are not checked"
    );
    let mut apart = graph();
    apart["60"]["inputs"]["images"] = json!(["30", 0]);
    assert!(
        parse(TOML, &apart)
            .expect_err("no photo")
            .contains("does not depend on the photo")
    );
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

/// Two samplers in a row, LoRA loaders, a negative prompt, and an unneeded output.
fn rich() -> Value {
    json!({
        "10": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "m.safetensors"}},
        "11": {"class_type": "LoraLoader", "inputs": {"model": ["10", 0], "clip": ["10", 1], "lora_name": "own.safetensors",
            "strength_model": 1.0, "strength_clip": 1.0}},
        "12": {"class_type": "LoraLoaderModelOnly", "inputs": {"model": ["11", 0], "lora_name": "own.safetensors", "strength_model": 1.0}},
        "20": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "75:66": {"class_type": "CLIPTextEncode", "inputs": {"text": "no", "clip": ["11", 1]}, "_meta": {"title": "Inside"}},
        "40": {"class_type": "KSampler", "inputs": {"model": ["12", 0], "image": ["20", 0], "negative": ["75:66", 0], "seed": 1, "steps": 20}},
        "41": {"class_type": "KSampler", "inputs": {"model": ["12", 0], "image": ["40", 0], "negative": ["75:66", 0], "seed": 2, "steps": 20}},
        "60": {"class_type": "PreviewImage", "inputs": {"images": ["41", 0]}},
        "61": {"class_type": "SaveImage", "inputs": {"images": ["41", 0]}},
    })
}

const RICH: &str = r#"
title = "Rich"
workflow = "rich.json"
output = "60"
[bind]
image = "20.image"
negative = "75:66.text"
seed = ["40.seed", "41.seed"]
steps = ["40.steps", "41.steps"]
loras = ["11", "12"]
[[styles]]
id = "plain"
title = "Plain"
[[styles]]
id = "clay"
title = "Clay"
negative = "photo"
steps = 8
loras = [{ file = "clay.safetensors", strength = 0.7 }]
"#;

#[test]
fn styles_set_several_inputs_steps_negative_prompt_and_loras() {
    let workflow = parse(RICH, &rich()).expect("valid");
    let [plain, clay] = workflow.styles.as_slice() else {
        panic!("two styles");
    };
    let filled = workflow.fill(clay, "x", 5, 64, 64);
    let inputs = |node: &str| filled[node]["inputs"].clone();
    for sampler in ["40", "41"] {
        assert_eq!(
            (&inputs(sampler)["seed"], &inputs(sampler)["steps"]),
            (&json!(5), &json!(8))
        );
        assert_eq!(
            inputs(sampler)["model"],
            json!(["11", 0]),
            "the second loader is bypassed"
        );
    }
    assert_eq!(inputs("75:66")["text"], "photo");
    let lora = inputs("11");
    let told = (
        &lora["lora_name"],
        &lora["strength_model"],
        &lora["strength_clip"],
    );
    assert_eq!(told, (&json!("clay.safetensors"), &json!(0.7), &json!(0.7)));
    assert!(filled.get("12").is_none());
    assert!(filled.get("61").is_none(), "another output does not run");

    let filled = workflow.fill(plain, "x", 5, 64, 64);
    assert!(filled.get("11").is_none() && filled.get("12").is_none());
    assert_eq!(filled["40"]["inputs"]["model"], json!(["10", 0]));
    assert_eq!(filled["75:66"]["inputs"]["clip"], json!(["10", 1]));
    assert_eq!(filled["75:66"]["inputs"]["text"], "no");
}

#[test]
fn values_without_a_bound_input_are_errors() {
    let told = |from: &str, to: &str| {
        assert!(RICH.contains(from), "{from}");
        parse(&RICH.replacen(from, to, 1), &rich()).expect_err(to)
    };
    assert!(told("negative = \"75:66.text\"", "").contains("bind.negative"));
    assert!(told("steps = [\"40.steps\", \"41.steps\"]", "").contains("bind.steps"));
    assert!(told("loras = [\"11\", \"12\"]", "").contains("bind.loras names 0"));
    assert!(told("[\"11\", \"12\"]", "\"40\"").contains("no LoraLoader"));
    assert!(told("steps = 8", "steps = 0").contains("steps of `clay`"));
    assert!(told("seed = [\"40.seed\", \"41.seed\"]", "seed = 7").contains("a list of them"));
    assert!(told("image = \"20.image\"", "image = []").contains("bind.image"));
}

#[test]
fn built_in_denoise_values_match_their_step_counts() {
    // KSampler runs the last `steps` of int(steps / denoise) steps, which are evenly spaced for FLUX.1
    // schnell.
    for workflow in load(None).workflows {
        for style in &workflow.styles {
            let filled = workflow.fill(style, "x", 1, 720, 720);
            let inputs = &filled["40"]["inputs"];
            let number = |key: &str| inputs[key].as_f64().expect("a number");
            let (steps, denoise) = (number("steps"), number("denoise"));
            let begins_with = steps / (steps / denoise).floor();
            assert!(
                (begins_with - denoise).abs() < 0.03,
                "{} of {}: {denoise} in {steps} steps begins with {begins_with:.2}",
                style.id,
                workflow.name
            );
        }
    }
}

#[test]
fn built_in_workflows_load_and_fill() {
    let loaded = load(None);
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);
    assert_eq!(loaded.workflows.len(), 3);
    for workflow in &loaded.workflows {
        assert!(workflow.styles.len() >= 5, "{}", workflow.name);
        for style in &workflow.styles {
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

#[test]
fn a_folder_precedes_built_in_workflows_and_broken_files_are_skipped() {
    let dir = TestFolder::new("workflows");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("writable");
    let with_example = TOML.replace("id = \"comic\"", "id = \"comic\"\nexample = \"c.jpg\"");
    write("mine.toml", &with_example);
    write("sdxl-turbo.toml", &TOML.replace("\"Test\"", "\"My turbo\""));
    write("broken.toml", "title = ");
    write("alone.toml", &TOML.replace("test.json", "gone.json"));
    write("test.json", &graph().to_string());
    let loaded = load(Some(dir.path()));
    let titles: Vec<_> = loaded
        .workflows
        .iter()
        .map(|workflow| workflow.title.as_str())
        .collect();
    assert_eq!(titles[..2], ["Test", "My turbo"]);
    assert_eq!(titles.len(), 4, "{titles:?}");
    let example = loaded.workflows[0].styles[0].example.as_deref();
    assert_eq!(example, Some(dir.path().join("c.jpg").as_path()));
    let broken: Vec<_> = loaded.broken.iter().map(ToString::to_string).collect();
    assert_eq!(broken.len(), 2, "{broken:?}");
    assert!(
        broken[0].contains("gone.json") && broken[1].contains("broken.toml"),
        "{broken:?}"
    );
}

#[test]
fn a_missing_folder_is_reported_and_built_in_workflows_load() {
    let loaded = load(Some(Path::new("/nowhere/workflows")));
    assert_eq!((loaded.workflows.len(), loaded.broken.len()), (3, 1));
    assert!(loaded.broken[0].to_string().contains("/nowhere/workflows"));
}
