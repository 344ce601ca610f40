"""Weights of an exported model, to start a new training from: `train.py --start FILE.onnx`.

In the file each norm is part of its convolution, so that pictures are needed to find the norms again: each gets the
mean and the variance that the pictures have before it, and the scale and shift with which it changes nothing.
"""

import tomllib
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from network import BINS, Detector


def weights_of(path: Path) -> dict[str, Tensor]:
    """By the names that the network has."""
    name = lambda weight: weight.name.removeprefix("model.").removesuffix(".f16")
    numbers = lambda weight: torch.from_numpy(numpy_helper.to_array(weight).copy()).float()
    return {name(weight): numbers(weight) for weight in onnx.load(path).graph.initializer}


def labels_of(path: Path) -> list[str]:
    """From the manifest beside the file."""
    return tomllib.loads(path.with_suffix(".toml").read_text())["labels"]


def keep_as_it_is(bias: Tensor):
    """Of a norm: afterwards it only adds the bias to its input."""

    def measure(norm: nn.BatchNorm2d, inputs: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        norm.running_mean.copy_(mean)
        norm.running_var.copy_(variance)
        norm.weight.copy_((variance + norm.eps).sqrt())
        norm.bias.copy_(bias + mean)

    return measure


@torch.no_grad()
def start_from(path: Path, model: Detector, names: list[str], pictures: Tensor) -> list[str]:
    """Loads the weights; gives the classes that the file does not know, whose weights stay random."""
    weights = weights_of(path)
    hooks = []
    for name, layer in model.named_modules():
        if isinstance(layer, nn.Sequential) and len(layer) > 1 and isinstance(layer[1], nn.BatchNorm2d):
            layer[0].weight.copy_(weights[f"{name}.0.weight"])
            bias = weights[f"{name}.0.bias"].to(pictures.device)
            hooks.append(layer[1].register_forward_pre_hook(keep_as_it_is(bias)))
    known = labels_of(path)
    rows = [(names.index(name), place) for place, name in enumerate(known) if name in names]
    rows += [(len(names) + box, len(known) + box) for box in range(4 * BINS)]
    to, of = (list(column) for column in zip(*rows))
    for level, answer in enumerate(model.head.answers):
        answer.weight[to] = weights[f"head.answers.{level}.weight"][of].to(pictures.device)
        answer.bias[to] = weights[f"head.answers.{level}.bias"][of].to(pictures.device)
    model.eval()(pictures)
    for hook in hooks:
        hook.remove()
    return [name for name in names if name not in known]
