"""Step 4: export the averaged weights as an ONNX file for carrier's `nanodet_plus` head.

    export.py --checkpoint RUN/best.pt --out FILE.onnx [--offer NAME ...] [--size HEIGHT WIDTH]

Norms are folded into the convolutions, class logits become probabilities, classes that are not offered
are removed, and weights are stored as float16 (ONNX Runtime converts them to float32 when it loads the file). The
manifest is written to `FILE.toml` next to it.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from dataset import MEAN, STD
from network import BINS, Detector, macs
from train import FINAL_SIZE
from validate import NMS_IOU

MANIFEST = """\
name = "{name}"
licence = "MIT"
origin = "trained from random weights by models/training"
sha256 = "{sha256}"
bytes = {bytes}
experimental = {experimental}
head = "nanodet_plus"
labels = [{labels}]
min_score = {min_score}
nms_iou = {nms_iou}

[input]
name = "images"
width = {width}
height = {height}
layout = "nchw"
colour = "bgr"
mean = [{mean}, {mean}, {mean}]
std = [{std}, {std}, {std}]
resize = "stretch"
"""


def folded(module: nn.Module) -> nn.Module:
    """Folds each batch norm into the convolution before it."""
    for name, child in module.named_children():
        if isinstance(child, nn.Sequential) and len(child) > 1 and isinstance(child[1], nn.BatchNorm2d):
            setattr(module, name, nn.Sequential(fuse_conv_bn_eval(child[0], child[1]), *child[2:]))
        else:
            folded(child)
    return module


def narrowed(model: Detector, kept: list[int]) -> Detector:
    """Removes the classes that are not offered."""
    rows = torch.tensor(kept + [model.classes + box for box in range(4 * BINS)])
    for answer in model.head.answers:
        answer.weight = nn.Parameter(answer.weight[rows].detach())
        answer.bias = nn.Parameter(answer.bias[rows].detach())
        answer.out_channels = len(rows)
    model.classes = len(kept)
    return model


class Exported(nn.Module):
    def __init__(self, model: Detector):
        super().__init__()
        self.model = model

    def forward(self, images: Tensor) -> Tensor:
        answer = self.model(images)
        classes, boxes = answer.split([self.model.classes, 4 * BINS], 2)
        return torch.cat([classes.sigmoid(), boxes], 2)


def stored_as_float16(model: onnx.ModelProto) -> None:
    """Stores weights as float16 with a Cast to float32, which ONNX Runtime folds when it loads the file."""
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < 64:
            continue
        narrow = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name + ".f16")
        casts.append(helper.make_node("Cast", [narrow.name], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(narrow)
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def load(checkpoint: Path, offered: list[str] | None) -> tuple[Detector, list[str]]:
    """The averaged weights, folded, with the offered classes only; all classes without a list."""
    state = torch.load(checkpoint, map_location="cpu")
    names = state["classes"]
    offered = offered or names
    unknown = sorted(set(offered) - set(names))
    if unknown:
        raise SystemExit(f"not trained: {', '.join(unknown)}; trained are {', '.join(names)}")
    model = Detector(len(names))
    model.load_state_dict(state["average"])
    return narrowed(folded(model.eval()), [names.index(name) for name in offered]), offered


def write_onnx(model: Detector, height: int, width: int, out: Path) -> None:
    # The TorchScript exporter: the newer one needs more packages and writes the same graph.
    torch.onnx.export(Exported(model).eval(), torch.zeros(1, 3, height, width), out, opset_version=17,
                      input_names=["images"], output_names=["output"], dynamo=False)
    exported = onnx.load(out)
    stored_as_float16(exported)
    onnx.checker.check_model(exported, full_check=True)
    onnx.save(exported, out)


def assert_same(model: Detector, out: Path, height: int, width: int) -> None:
    """Checks that the file gives the network's answers, within the error of float16."""
    pictures = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted = Exported(model)(pictures).numpy()
    session = onnxruntime.InferenceSession(str(out), providers=["CPUExecutionProvider"])
    answer = session.run(None, {"images": pictures.numpy()})[0]
    worst = np.abs(answer[..., : model.classes] - wanted[..., : model.classes]).max()
    if worst > 0.02:
        raise SystemExit(f"{out} answers otherwise than the network: a score differs by {worst:.3f}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--checkpoint", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    arguments.add_argument("--offer", nargs="*", help="classes to offer [default: all]")
    arguments.add_argument("--size", type=int, nargs=2, default=FINAL_SIZE)
    arguments.add_argument("--min-score", type=float, default=0.35)
    arguments.add_argument("--experimental", action="store_true", help="say so wherever the model is named")
    given = arguments.parse_args()
    model, offered = load(given.checkpoint, given.offer)
    height, width = given.size
    operations = 2 * macs(model, height, width) / 1e9
    write_onnx(model, height, width, given.out)
    assert_same(model, given.out, height, width)
    content = given.out.read_bytes()
    manifest = MANIFEST.format(
        name=given.out.stem, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content),
        experimental=str(given.experimental).lower(), labels=", ".join(f'"{name}"' for name in offered),
        min_score=given.min_score, nms_iou=NMS_IOU, width=width, height=height, mean=MEAN, std=STD)
    given.out.with_suffix(".toml").write_text(manifest)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{given.out}: {len(content)} bytes, {parameters} parameters, {operations:.2f} GFLOPs at "
          f"{width}x{height}, {len(offered)} classes")


if __name__ == "__main__":
    main()
