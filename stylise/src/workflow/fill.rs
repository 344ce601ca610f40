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
            (Some(&bind.image), Some(image_name.into())),
            (
                bind.prompt.as_ref(),
                style.prompt.as_deref().map(Value::from),
            ),
            (bind.seed.as_ref(), Some(seed.into())),
            (bind.denoise.as_ref(), style.denoise.map(Value::from)),
            (bind.width.as_ref(), Some(width.into())),
            (bind.height.as_ref(), Some(height.into())),
        ];
        let mut graph = self.graph.clone();
        for (slot, value) in values {
            if let (Some(slot), Some(value)) = (slot, value) {
                graph.set(slot, value);
            }
        }
        graph.into_json()
    }
}
