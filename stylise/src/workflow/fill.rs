//! A workflow with the values of one order.

use serde_json::Value;

use super::size::fitted;
use super::{Workflow, WorkflowStyle};

impl Workflow {
    /// What `POST /prompt` takes. `image_name` is what the server calls the uploaded picture; width and
    /// height are that picture's own, and the result has its shape.
    #[must_use]
    pub fn fill(
        &self,
        style: &WorkflowStyle,
        image_name: &str,
        seed: u64,
        width_px: u32,
        height_px: u32,
    ) -> Value {
        let (width, height) = fitted(width_px, height_px, self.max_megapixels);
        let bind = &self.bind;
        let values = [
            (&bind.image, Some(image_name.into())),
            (&bind.prompt, style.prompt.as_deref().map(Value::from)),
            (&bind.negative, style.negative.as_deref().map(Value::from)),
            (&bind.seed, Some(seed.into())),
            (&bind.denoise, style.denoise.map(Value::from)),
            (&bind.steps, style.steps.map(Value::from)),
            (&bind.width, Some(width.into())),
            (&bind.height, Some(height.into())),
        ];
        let mut graph = self.graph.clone();
        for (slots, value) in values {
            for slot in slots {
                if let Some(value) = &value {
                    graph.set(slot, value.clone());
                }
            }
        }
        for (at, loader) in bind.loras.iter().enumerate() {
            match style.loras.get(at) {
                Some(lora) => graph.load_lora(loader, &lora.file, lora.strength),
                None => graph.bypass_lora(loader),
            }
        }
        graph.into_json()
    }
}
