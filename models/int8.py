#!/usr/bin/env python3
"""Quantises a detector of models/manifest.toml to INT8: static, QDQ, calibrated on pictures.

  int8.py yolox_nano.onnx yolox_nano_int8.onnx --images ../shared/eval/coco80_288/images

Needs onnxruntime, onnx, numpy, Pillow and sympy (Python 3.11 or newer). Writes the manifest of the new file beside it, so that
`carrier eval --model ./yolox_nano_int8.onnx` measures it. BENCHMARKS.md has what was measured.
"""
import argparse
import hashlib
import pathlib
import tempfile
import tomllib

import numpy
import onnx
import onnx.version_converter
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

OPSET = 13
MANIFEST = pathlib.Path(__file__).with_name("manifest.toml")


def entry_of(path):
    """The manifest's entry of a file, by its SHA-256."""
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    models = tomllib.loads(MANIFEST.read_text())["model"]
    found = [model for model in models if model.get("sha256") == sha256]
    if not found:
        raise SystemExit(f"{path} is none of the models of {MANIFEST}")
    return found[0]


def tensor_of(picture, contract):
    """A picture as the network takes it: 1 x 3 x height x width, float32."""
    width, height = contract["width"], contract["height"]
    resize = contract["resize"]
    if resize == "stretch":
        canvas = picture.resize((width, height), Image.Resampling.BILINEAR)
    else:
        pad = resize["letterbox_top_left"]["pad"]
        scale = min(width / picture.width, height / picture.height)
        size = (int(picture.width * scale), int(picture.height * scale))
        canvas = Image.new("RGB", (width, height), (pad, pad, pad))
        canvas.paste(picture.resize(size, Image.Resampling.BILINEAR))
    pixels = numpy.asarray(canvas, dtype=numpy.float32)
    if contract["colour"] == "bgr":
        pixels = pixels[:, :, ::-1]
    pixels = (pixels - numpy.float32(contract["mean"])) / numpy.float32(contract["std"])
    return numpy.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def with_opset(model):
    """The model in an opset that has scales for each channel."""
    opsets = [opset.version for opset in model.opset_import if opset.domain in {"", "ai.onnx"}]
    return model if max(opsets) >= OPSET else onnx.version_converter.convert_version(model, OPSET)


def kept_nodes(graph, names, keeps_depthwise):
    """The names of the nodes that are not quantised."""

    def is_depthwise(node):
        return any(attribute.name == "group" and attribute.i > 1 for attribute in node.attribute)

    return [node.name for node in graph.node if node.name in names or (keeps_depthwise and is_depthwise(node))]


class Pictures(CalibrationDataReader):
    def __init__(self, paths, contract):
        self.paths, self.contract = iter(paths), contract

    def get_next(self):
        path = next(self.paths, None)
        if path is None:
            return None
        with Image.open(path) as picture:
            return {self.contract["name"]: tensor_of(picture.convert("RGB"), self.contract)}


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(toml(inner) for inner in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


def manifest_of(entry, name):
    """A manifest of a file of one's own, with the entry's keys but those of the file."""
    left_out = {"name", "url", "sha256", "bytes", "published_ap", "input"}
    lines = [f"name = {toml(name)}"]
    lines += [f"{key} = {toml(value)}" for key, value in entry.items() if key not in left_out]
    lines += ["", "[input]"] + [f"{key} = {toml(value)}" for key, value in entry["input"].items()]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--images", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=72, help="pictures to calibrate on, evenly chosen")
    parser.add_argument("--ops", default="Conv", help="operators to quantise, separated by commas")
    parser.add_argument("--keep", default="", help="nodes of these names stay as they are")
    parser.add_argument("--keep-depthwise", action="store_true", help="so do convolutions in groups")
    arguments = parser.parse_args()
    entry = entry_of(arguments.model)
    paths = sorted(path for path in arguments.images.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = paths[:: max(len(paths) // arguments.count, 1)][: arguments.count]
    with tempfile.TemporaryDirectory() as folder:
        prepared = pathlib.Path(folder) / "prepared.onnx"
        current = pathlib.Path(folder) / "current.onnx"
        onnx.save(with_opset(onnx.load(arguments.model)), current)
        quant_pre_process(str(current), str(prepared), skip_symbolic_shape=True)
        kept = kept_nodes(onnx.load(prepared).graph, arguments.keep.split(","), arguments.keep_depthwise)
        quantize_static(
            str(prepared),
            str(arguments.out),
            Pictures(chosen, entry["input"]),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=arguments.ops.split(","),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=kept,
            calibrate_method=CalibrationMethod.MinMax,
        )
    arguments.out.with_suffix(".toml").write_text(manifest_of(entry, arguments.out.stem))
    print(f"{arguments.out}: {arguments.out.stat().st_size} bytes, {len(chosen)} pictures, {len(kept)} nodes kept")


if __name__ == "__main__":
    main()
