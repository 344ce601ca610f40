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
    let filled = workflow.fill(&workflow.styles[0], "x.jpg [temp]", None, 5, 1280, 720);
    let mut wanted = graph();
    wanted["20"]["inputs"]["image"] = json!("x.jpg [temp]");
    wanted["21"]["inputs"]["width"] = json!(1280);
    wanted["21"]["inputs"]["height"] = json!(720);
    wanted["30"]["inputs"]["text"] = json!("ink");
    wanted["40"]["inputs"]["seed"] = json!(5);
    wanted["40"]["inputs"]["denoise"] = json!(0.6);
    assert_eq!(filled, wanted);
    let own = workflow.fill(&workflow.styles[1], "x", None, 5, 64, 64);
    assert_eq!(own["30"]["inputs"]["text"], "own words");
    assert_eq!(own["40"]["inputs"]["denoise"], 1.0);
}

#[test]
fn only_the_picture_must_be_bound() {
    let short = "title = \"T\"\nworkflow = \"t.json\"\noutput = \"60\"\n[bind]\nimage = \"20.image\"\n\
                 [[styles]]\nid = \"a\"\ntitle = \"A\"";
    let workflow = parse(short, &graph()).expect("valid");
    let filled = workflow.fill(&workflow.styles[0], "x", None, 5, 64, 64);
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
    assert!(complaint("output", "min_megapixels = 1.1\noutput").contains("max_megapixels, 1"));
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
    let filled = workflow.fill(clay, "x", None, 5, 64, 64);
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

    let filled = workflow.fill(plain, "x", None, 5, 64, 64);
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

/// The share of noise that KSampler begins with: it runs the last `steps` of int(steps / denoise) steps, which
/// are evenly spaced for FLUX.1 schnell.
fn noise_at_the_start(steps: f64, denoise: f64) -> f64 {
    steps / (steps / denoise).floor()
}

#[test]
fn built_in_denoise_values_mean_what_they_say() {
    let mut checked = 0;
    for workflow in load(None).workflows {
        for style in workflow
            .styles
            .iter()
            .filter(|style| style.denoise.is_some())
        {
            let filled = workflow.fill(style, "x", None, 1, 720, 720);
            let inputs = &filled["40"]["inputs"];
            let number = |key: &str| inputs[key].as_f64().expect("a number");
            let (steps, denoise) = (number("steps"), number("denoise"));
            let begins_with = noise_at_the_start(steps, denoise);
            assert!(
                (begins_with - denoise).abs() < 0.01,
                "{} of {}: {denoise} in {steps} steps begins with {begins_with:.3}",
                style.id,
                workflow.name
            );
            checked += 1;
        }
    }
    assert_eq!(checked, 16, "the styles of both FLUX.1 workflows");
}

#[test]
fn the_denoise_values_of_the_readme_are_exact() {
    let readme = include_str!("../../workflows/README.md");
    let rows: Vec<Vec<f64>> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| {
            row.split(" | ")
                .filter_map(|cell| cell.parse().ok())
                .collect()
        })
        .filter(|row: &Vec<f64>| row.len() > 2)
        .collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    for row in rows {
        for denoise in &row[1..] {
            let begins_with = noise_at_the_start(row[0], *denoise);
            assert!(
                (begins_with - denoise).abs() < 0.01,
                "{denoise} in {} steps",
                row[0]
            );
        }
    }
}

#[test]
fn built_in_workflows_load_and_fill() {
    let loaded = load(None);
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);
    let names: Vec<_> = loaded
        .workflows
        .iter()
        .map(|workflow| workflow.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "flux2-klein",
            "qwen-image-edit",
            "flux-schnell",
            "flux-schnell-split"
        ]
    );
    for workflow in &loaded.workflows {
        let edits = workflow.title.contains("edit");
        assert_eq!(
            workflow.styles.len(),
            if edits { 11 } else { 8 },
            "{}",
            workflow.name
        );
        for style in &workflow.styles {
            let prompt = style.prompt.as_deref().expect("a prompt");
            assert!(
                prompt.contains("same people")
                    || prompt.contains("people of this photo")
                    || prompt.contains("with the people"),
                "{prompt}"
            );
            let filled = workflow.fill(style, "x.jpg [temp]", None, 1, 720, 1280);
            let (width, height) = (
                &filled["21"]["inputs"]["width"],
                &filled["21"]["inputs"]["height"],
            );
            assert!(width.as_u64() < height.as_u64(), "{width}x{height}");
            for (id, node) in filled.as_object().expect("nodes") {
                for (input, bound) in [("width", width), ("height", height)] {
                    let value = &node["inputs"][input];
                    assert!(
                        value.is_null() || value == bound,
                        "{input} of {id} in {}",
                        workflow.name
                    );
                }
                assert_ne!(node["_meta"]["title"], "LoRA of the style", "bypassed");
            }
            let text = filled.to_string();
            assert!(
                text.contains(&Value::from(prompt).to_string()) && text.contains("x.jpg [temp]")
            );
        }
    }
}

#[test]
fn other_names_of_model_files_replace_the_exported_one() {
    let listed =
        format!("{RICH}[files]\n\"10.ckpt_name\" = [\"bf16.safetensors\", \"m.safetensors\"]\n");
    let workflow = parse(&listed, &rich()).expect("valid");
    let names = workflow.file_names("10", "ckpt_name").expect("listed");
    assert_eq!(names, ["bf16.safetensors", "m.safetensors"]);
    assert_eq!(workflow.file_names("11", "lora_name"), None);
    let file = ModelFile {
        node: "10".to_owned(),
        input: "ckpt_name".to_owned(),
        file: "sub/bf16.safetensors".to_owned(),
    };
    let workflow = workflow.with_files(&[file]);
    let filled = workflow.fill(&workflow.styles[0], "x", None, 5, 64, 64);
    assert_eq!(filled["10"]["inputs"]["ckpt_name"], "sub/bf16.safetensors");
    for (wrong, about) in [
        ("\"10.ckpt_name\" = []", "a list of file names"),
        ("\"40.steps\" = [\"m\"]", "a list of file names"),
        ("\"10.name\" = [\"m\"]", "it has ckpt_name"),
    ] {
        let error = parse(&format!("{RICH}[files]\n{wrong}\n"), &rich()).expect_err(wrong);
        assert!(
            error.contains("rich.toml: files.") || error.contains("test.toml: files."),
            "{error}"
        );
        assert!(error.contains(about), "{error}");
    }
}

#[test]
fn styles_of_another_workflow_are_added_to_the_own_ones() {
    let with = |from: &str| {
        TOML.replacen(
            "output =",
            &format!("styles_from = \"{from}\"\noutput ="),
            1,
        )
    };
    let workflow = parse(&with("flux-schnell"), &graph()).expect_err("steps go nowhere");
    assert!(workflow.contains("`cyberpunk` has steps"), "{workflow}");
    let workflow = parse(&with("flux2-klein"), &graph()).expect("valid");
    let ids: Vec<_> = workflow
        .styles
        .iter()
        .map(|style| style.id.as_str())
        .collect();
    assert_eq!(ids[..3], ["comic", "as-it-is", "cartoon"]);
    assert_eq!(ids.len(), 2 + 10, "its own comic stays");
    assert_eq!(workflow.styles[0].prompt.as_deref(), Some("ink"));
    let unknown = parse(&with("sdxl"), &graph()).expect_err("unknown");
    assert!(
        unknown.contains("styles_from: there is no workflow `sdxl`"),
        "{unknown}"
    );
    let outside = parse(&with("../flux2-klein"), &graph()).expect_err("outside");
    assert!(
        outside.contains("styles_from: `../flux2-klein` is not the name"),
        "{outside}"
    );
}

#[test]
fn a_style_names_its_reference_picture() {
    let mut graph = rich();
    graph["25"] = json!({"class_type": "LoadImage", "inputs": {"image": "style.png"}});
    graph["41"]["inputs"]["style"] = json!(["25", 0]);
    let toml = RICH
        .replace("seed = [", "reference = \"25.image\"\nseed = [")
        .replace("id = \"plain\"", "id = \"plain\"\nreference = \"ink.jpg\"");
    let without = parse(&toml, &graph).expect_err("clay has none");
    assert!(without.contains("`clay` has no reference"), "{without}");
    let toml = toml.replace("id = \"clay\"", "id = \"clay\"\nreference = \"clay.jpg\"");
    let workflow = parse(&toml, &graph).expect("valid");
    let filled = workflow.fill(&workflow.styles[1], "x", Some("r.jpg [temp]"), 5, 64, 64);
    assert_eq!(filled["25"]["inputs"]["image"], "r.jpg [temp]");
    assert_eq!(filled["20"]["inputs"]["image"], "x");
    let unbound =
        parse(&toml.replace("reference = \"25.image\"\n", ""), &graph).expect_err("unbound");
    assert!(
        unbound.contains("say where, in bind.reference"),
        "{unbound}"
    );
    let path = parse(&toml.replace("clay.jpg", "../clay.jpg"), &graph).expect_err("a path");
    assert!(
        path.contains("reference: `../clay.jpg` is not the name"),
        "{path}"
    );
}

#[test]
fn a_reference_picture_that_is_not_there_is_an_error() {
    let dir = TestFolder::new("references");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("writable");
    let mut graph = graph();
    graph["25"] = json!({"class_type": "LoadImage", "inputs": {"image": "style.png"}});
    graph["40"]["inputs"]["style"] = json!(["25", 0]);
    write("test.json", &graph.to_string());
    let toml = TOML
        .replace("[bind]", "[bind]\nreference = \"25.image\"")
        .replace("[[styles]]", "[[styles]]\nreference = \"ink.jpg\"");
    write("mine.toml", &toml);
    let broken = load(Some(dir.path())).broken;
    assert!(broken[0].to_string().contains("ink.jpg"), "{broken:?}");
    write("ink.jpg", "a picture");
    let loaded = load(Some(dir.path()));
    assert!(loaded.broken.is_empty(), "{:?}", loaded.broken);
    let reference = loaded.workflows[0].styles[0].reference.as_deref();
    assert_eq!(reference, Some(dir.path().join("ink.jpg").as_path()));
}

#[test]
fn a_folder_precedes_built_in_workflows_and_broken_files_are_skipped() {
    let dir = TestFolder::new("workflows");
    let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).expect("writable");
    let with_example = TOML.replace("id = \"comic\"", "id = \"comic\"\nexample = \"c.jpg\"");
    write("mine.toml", &with_example);
    write(
        "flux-schnell.toml",
        &TOML.replace("\"Test\"", "\"My schnell\""),
    );
    write(
        "own.toml",
        &TOML.replace("output =", "styles_from = \"mine\"\noutput ="),
    );
    write("broken.toml", "title = ");
    write("alone.toml", &TOML.replace("test.json", "gone.json"));
    write("test.json", &graph().to_string());
    let loaded = load(Some(dir.path()));
    let titles: Vec<_> = loaded
        .workflows
        .iter()
        .map(|workflow| workflow.title.as_str())
        .collect();
    assert_eq!(titles[..3], ["My schnell", "Test", "Test"]);
    assert_eq!(titles.len(), 6, "{titles:?}");
    let example = loaded.workflows[1].styles[0].example.as_deref();
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
    assert_eq!((loaded.workflows.len(), loaded.broken.len()), (4, 1));
    assert!(loaded.broken[0].to_string().contains("/nowhere/workflows"));
}
