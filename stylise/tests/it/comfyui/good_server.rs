//! A well-behaved server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::thread;

use stylise::comfyui::{Comfyui, ComfyuiSettings, WorkflowCheck};
use stylise::workflow::load;
use stylise::{
    FindPeople, FocusPoint, Order, People, PhotoKind, PictureArea, Progress, Stylist, StylistError,
};

use super::context::RecordingContext;
use super::fake_server::FakeServer;
use super::work::made;
use super::{client, eventually, order, settings, workflow};
use crate::checks::assert_made;

#[test]
fn an_order_goes_from_upload_to_result() {
    let server = FakeServer::start();
    let client = client(&server);
    assert_eq!(client.styles().len(), 3);
    let notes = RecordingContext::default();
    let picture = client.stylise(&order(None), &notes).expect("a picture");
    let remote = notes.last_remote_order().expect("kept before it was sent");
    assert_made(
        &Ok::<_, StylistError>(picture),
        &Ok(made(&remote.id.to_string())),
    );
    let state = server.state();
    assert_eq!(
        (state.taken.clone(), remote.sends),
        (vec![remote.id.to_string()], 1)
    );
    let progress = notes.progress.lock().expect("a lock").clone();
    assert_eq!(progress.first(), Some(&Progress::Uploading));
    assert!(
        progress.contains(&Progress::Running { step: 3, steps: 4 }),
        "{progress:?}"
    );
    assert!(!notes.previews.lock().expect("a lock").is_empty());
    assert!(state.greetings[0].contains("supports_preview_metadata"));
    assert_eq!(
        state.history.len(),
        1,
        "erased when the picture is kept, not before"
    );
    drop(state);
    client.forget(&remote).expect("forgotten");
    assert!(server.state().history.is_empty());
    client.forget(&remote).expect("nothing to do");
}

#[test]
fn the_faces_of_the_visitors_picture_are_the_focus_of_the_result() {
    let server = FakeServer::start();
    let found: FindPeople = Arc::new(|_| People {
        faces: vec![PictureArea {
            left: 0.5,
            top: 0.25,
            width: 0.25,
            height: 0.25,
        }],
        persons: Vec::new(),
    });
    let connected = Comfyui::connect(&settings(&server.url()), vec![workflow()], Some(found));
    let client = connected.expect("valid");
    eventually("the survey", || client.ready().is_ok());
    let focus = |photo_kind| {
        let notes = RecordingContext::default();
        let order = Order {
            photo_kind,
            ..order(None)
        };
        client.stylise(&order, &notes).expect("a picture");
        notes.focus.into_inner().expect("a lock")
    };
    let middle = FocusPoint { x: 0.625, y: 0.375 };
    assert_eq!(focus(PhotoKind::Single), Some(middle));
    assert_eq!(focus(PhotoKind::Strip), None, "faces of four shots");
}

#[test]
fn the_queue_position_is_reported() {
    let server = FakeServer::start();
    let client = client(&server);
    server.state().behaviour.step_ms = 400;
    server.foreign_order("first");
    server.foreign_order("second");
    let notes = RecordingContext::default();
    client.stylise(&order(None), &notes).expect("a picture");
    let waited = |ahead| notes.has_told(|progress| *progress == Progress::Waiting { ahead });
    assert!(waited(2) && waited(1), "{:?}", notes.progress);
}

#[test]
fn two_orders_at_a_time_get_their_own_results() {
    let server = FakeServer::start();
    let client = client(&server);
    let both: Vec<_> = (0..2)
        .map(|_| {
            let client = Arc::clone(&client);
            thread::spawn(move || {
                let notes = RecordingContext::default();
                let picture = client.stylise(&order(None), &notes).expect("a picture");
                (picture, notes.last_remote_order().expect("kept").id)
            })
        })
        .collect();
    for one in both {
        let (picture, id) = one.join().expect("no panic");
        assert_made(&Ok::<_, StylistError>(picture), &Ok(made(&id.to_string())));
    }
    assert_eq!(server.state().worked.len(), 2);
}

#[test]
fn an_order_that_cannot_be_saved_is_not_sent() {
    let server = FakeServer::start();
    let client = client(&server);
    let notes = RecordingContext::default();
    notes.disk_is_full.store(true, SeqCst);
    let error = client
        .stylise(&order(None), &notes)
        .expect_err("no remote order");
    assert_eq!(error, StylistError::Failed("the disk is full".to_owned()));
    assert!(server.state().taken.is_empty());
}

#[test]
fn token_headers_and_base_path_are_sent() {
    let server = FakeServer::start();
    let mut with = settings(&server.url());
    with.token = Some("s3cret".to_owned());
    with.headers.insert("X-Booth".to_owned(), "7".to_owned());
    let client = Comfyui::connect(&with, vec![workflow()], None).expect("valid");
    eventually("the survey", || client.ready().is_ok());
    let headers = server.state().headers.clone();
    let sent = |name: &str, value: &str| headers.contains(&(name.to_owned(), value.to_owned()));
    assert!(sent("authorization", "Bearer s3cret") && sent("x-booth", "7"));
    let elsewhere = ComfyuiSettings {
        url: format!("{}/comfy", server.url()),
        ..with
    };
    let told = stylise::comfyui::survey(&elsewhere, &[]).expect("valid settings");
    assert!(told.expect_err("a wrong path").to_string().contains("404"));
}

#[test]
fn only_supported_styles_are_offered() {
    let server = FakeServer::start();
    server.state().behaviour.lacks = vec!["VAEDecode", "CarrierTestInvert"];
    let mut workflows = load(None).workflows;
    workflows.push(workflow());
    let told = stylise::comfyui::survey(&settings(&server.url()), &workflows);
    let survey = told.expect("valid").expect("there");
    assert!(survey.workflows.iter().all(|check| !check.is_ready()));
    assert!(
        survey.workflows[4].missing[0].contains("CarrierTestInvert"),
        "{survey:?}"
    );
    let client = Comfyui::connect(&settings(&server.url()), workflows, None).expect("valid");
    eventually("the survey", || client.last_survey().is_some());
    assert!(client.styles().is_empty());
    assert!(
        matches!(client.ready(), Err(StylistError::Unavailable(why)) if why.contains("no style"))
    );
    server.state().behaviour.lacks.remove(1);
    eventually("the next survey", || client.styles().len() == 3);
    let gone = client.stylise(
        &super::styled("cartoon", None),
        &RecordingContext::default(),
    );
    assert!(matches!(gone, Err(StylistError::Failed(why)) if why.contains("style")));
}

#[test]
fn model_files_are_looked_for_in_their_folders() {
    let server = FakeServer::start();
    let missing = || {
        let told = stylise::comfyui::survey(&settings(&server.url()), &load(None).workflows);
        let checks = told.expect("valid").expect("there").workflows;
        let lacks = |check: &WorkflowCheck| (check.name.clone(), check.missing.join("; "));
        checks.iter().map(lacks).collect::<BTreeMap<_, _>>()
    };
    let believed = missing();
    assert!(believed.values().all(String::is_empty), "{believed:?}");
    // The files of the split workflow, one of them in the wrong folder.
    server.state().behaviour.files = BTreeMap::from([
        (
            "checkpoints",
            vec!["flux1-schnell-fp8.safetensors", "flux1-schnell.safetensors"],
        ),
        ("diffusion_models", vec![]),
        (
            "text_encoders",
            vec!["clip_l.safetensors", "t5xxl_fp8_e4m3fn.safetensors"],
        ),
        ("vae", vec!["ae.safetensors"]),
    ]);
    let told = missing();
    assert_eq!(told["flux-schnell"], "");
    let split = &told["flux-schnell-split"];
    assert!(
        split.contains(
            "models/checkpoints, and this workflow takes it from models/diffusion_models"
        ),
        "{split}"
    );
    let klein = &told["flux2-klein"];
    for files in [
        "one of the files flux-2-klein-4b.safetensors, flux-2-klein-4b-fp8.safetensors: put it into ComfyUI's \
         models/diffusion_models",
        "qwen_3_4b_fp4_flux2.safetensors: put it into ComfyUI's models/text_encoders",
    ] {
        assert!(klein.contains(files), "{klein}");
    }
    let lightning = &told["qwen-image-edit"];
    assert!(
        lightning.contains("put it into ComfyUI's models/loras"),
        "{lightning}"
    );
}
