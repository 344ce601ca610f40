"""A node for ComfyUI that takes its time and needs no model: for scripts/test-comfyui.sh.

Goes into custom_nodes of a ComfyUI that is there for the test alone.
"""

import os
import time

import comfy.model_management
import comfy.utils
from PIL import Image


class CarrierTestInvert:
    """Counts its steps, shows a preview at each, and inverts the picture."""

    CATEGORY = "carrier/test"
    FUNCTION = "invert"
    RETURN_TYPES = ("IMAGE",)

    @classmethod
    def INPUT_TYPES(cls):
        return {
            "required": {
                "image": ("IMAGE",),
                "text": ("STRING", {"multiline": True, "default": ""}),
                "seed": ("INT", {"default": 0, "min": 0, "max": 0xFFFFFFFF}),
                "steps": ("INT", {"default": 4, "min": 1, "max": 1000}),
                "step_ms": ("INT", {"default": 250, "min": 0, "max": 60000}),
            }
        }

    def invert(self, image, text, seed, steps, step_ms):
        with open(os.environ["CARRIER_TEST_EXECUTIONS"], "a") as executions:
            executions.write(f"{seed} {text}\n")
        if text == "out of memory":
            raise comfy.model_management.OOM_EXCEPTION("carrier's test: out of memory")
        if text == "fail":
            raise ValueError("carrier's test was told to fail")
        bar = comfy.utils.ProgressBar(steps)
        for step in range(1, steps + 1):
            time.sleep(step_ms / 1000)
            shade = 255 * step // steps
            preview = ("JPEG", Image.new("RGB", (64, 64), (shade, 0, 255 - shade)), 512)
            # Raises when the order was interrupted.
            bar.update_absolute(step, steps, preview)
        return (1.0 - image,)


NODE_CLASS_MAPPINGS = {"CarrierTestInvert": CarrierTestInvert}
NODE_DISPLAY_NAME_MAPPINGS = {"CarrierTestInvert": "carrier: invert slowly"}
