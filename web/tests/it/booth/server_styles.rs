//! Styles of a ComfyUI server as the API shows them.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{Form, get, photo, post};
use super::comfyui_stub::{self, answer_survey};
use crate::station::Station;
use crate::timing::HANG_TIMEOUT;

/// Answers the survey and refuses uploads.
fn server() -> String {
    comfyui_stub::start(|method, path, _| answer_survey(method, path).unwrap_or((403, Vec::new())))
}

/// A workflow with two styles; the first has an example picture of the owner's.
fn write_workflow(folder: &Path, own: &[u8]) {
    std::fs::create_dir_all(folder).expect("a folder");
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "x"}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    });
    let toml = |example: &str| {
        format!(
            "title = \"T\"\nworkflow = \"t.json\"\noutput = \"3\"\n[bind]\nimage = \"1.image\"\n\
                 [[styles]]\nid = \"comic\"\ntitle = \"Mine\"\n{example}[[styles]]\nid = \"pencil\"\ntitle = \"Theirs\"\n"
        )
    };
    std::fs::write(folder.join("t.json"), graph.to_string()).expect("written");
    std::fs::write(folder.join("t.toml"), toml("example = \"mine.jpg\"\n")).expect("written");
    std::fs::write(folder.join("mine.jpg"), own).expect("written");
}

#[test]
fn the_owners_example_is_used_and_erasure_is_reported() {
    let folder =
        std::env::temp_dir().join(format!("carrier-styles-{:016x}", rand::random::<u64>()));
    let own = photo(40, 30);
    write_workflow(&folder, &own);
    let config = format!(
        "[stylise]\ncomfyui = \"{}\"\nworkflows = \"{}\"\n",
        server(),
        folder.display()
    );
    let station = Station::configured(&config, &["--model", "none"]);
    let until = Instant::now() + HANG_TIMEOUT;
    let offered = loop {
        let offered = get(&station, "/api/styles", &[]).json();
        if offered["comfyui"] == "ready" {
            break offered;
        }
        assert!(Instant::now() < until, "{offered}");
        thread::sleep(Duration::from_millis(20));
    };
    let style = |id: &str| {
        let styles = offered["styles"].as_array().expect("a list");
        styles
            .iter()
            .find(|style| style["id"] == id)
            .cloned()
            .expect(id)
    };
    let comic = style("comic");
    assert_eq!(
        (&comic["made_by"], &comic["away"]),
        (&json!("comfyui"), &json!(false))
    );
    let example = comic["example"].as_str().expect("the owner's");
    for path in [example, "/booth/examples/comic.jpg"] {
        assert!(get(&station, path, &[]).body == own, "{path}");
    }
    let laptops = get(&station, "/booth/examples/comic.jpg?by=laptop", &[]);
    assert!(laptops.status == 200 && laptops.body != own);
    // Without an example of its own it shows none, not that of another stylist.
    assert_eq!(style("pencil")["example"], Value::Null);
    assert_eq!(get(&station, "/booth/examples/pencil.jpg", &[]).status, 404);
    // This server refuses uploads, so pictures cannot be overwritten on it.
    assert_eq!(offered["comfyui_erases"], false);

    let laptop = Form::style("comic")
        .text("made_by", "laptop")
        .image(&photo(64, 64));
    let id = post(&station, &laptop, &[]).id();
    let job = get(&station, &format!("/api/stylise/{id}"), &[]).json();
    assert_eq!(job["made_by"], "laptop");
    let nobody = post(&station, &Form::style("comic").text("made_by", "me"), &[]);
    assert_eq!(nobody.status, 400, "{}", nobody.text());
    let _ = std::fs::remove_dir_all(folder);
}
