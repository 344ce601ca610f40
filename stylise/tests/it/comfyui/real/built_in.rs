//! The real ComfyUI validates the orders of all built-in workflows. Its model files are empty, so that it
//! accepts the orders and cannot run them.

use stylise::workflow::load;

use super::server::Server;
use super::{client, eventually, order, say};

const MODEL_FILES: [&str; 11] = [
    "checkpoints/flux1-schnell-fp8.safetensors",
    "diffusion_models/flux1-schnell.safetensors",
    "text_encoders/t5xxl_fp16.safetensors",
    "text_encoders/clip_l.safetensors",
    "vae/ae.safetensors",
    "diffusion_models/flux-2-klein-4b-fp8.safetensors",
    "text_encoders/qwen_3_4b.safetensors",
    "vae/flux2-vae.safetensors",
    "diffusion_models/qwen_image_edit_2511_bf16.safetensors",
    "text_encoders/qwen_2.5_vl_7b_fp8_scaled.safetensors",
    "loras/Qwen-Image-Edit-2511-Lightning-4steps-V1.0-bf16.safetensors",
];

pub(super) fn workflows_are_accepted(server: &Server) {
    for file in MODEL_FILES {
        server.put(&format!("models/{file}"), &[]);
    }
    server.put("models/vae/qwen_image_vae.safetensors", &[]);
    server.put("input/photo.jpg", &order(None).source);
    let client = client(server);
    let survey = client.last_survey().expect("asked");
    let mut accepted = 0;
    for workflow in load(None).workflows {
        let mut checks = survey.workflows.iter();
        let check = checks.find(|check| check.name == workflow.name);
        let check = check.expect("in the survey");
        if !check.missing.is_empty() {
            let is_old = check
                .missing
                .iter()
                .all(|lack| lack.contains("update ComfyUI"));
            assert!(
                is_old && !workflow.name.starts_with("flux-schnell"),
                "{check:?}"
            );
            say(&format!(
                "too old for {}: {:?}",
                workflow.name, check.missing
            ));
            continue;
        }
        for style in &workflow.styles {
            let graph = workflow.fill(style, "photo.jpg", None, 7, 1280, 720);
            let answer = server.order(&graph);
            let errors = answer["node_errors"].as_object();
            assert!(
                errors.is_some_and(serde_json::Map::is_empty),
                "{} of {}: {answer}",
                style.id,
                workflow.name
            );
            accepted += 1;
        }
        say(&format!("accepts the orders of {}", workflow.name));
    }
    assert!(accepted >= 16, "at least those of FLUX.1 schnell");
    eventually("the orders fail", || server.history().len() >= accepted);
}
