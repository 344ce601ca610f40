"""Distillation: the network also learns from all that a teacher answers (Hinton et al., Distilling the Knowledge in a
Neural Network, 2015), on each augmented picture.

NanoDet-Plus has this network's levels, cells and bins, so that each cell has a counterpart: its class probabilities
and its distributions of a box's sides (Zheng et al., Localization Distillation, 2022). It does not know faces: their
teacher is an exported model of this network, the released one, so that they are not forgotten (Li and Hoiem, Learning
without Forgetting, 2016).
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor

from dataset import to_tensor
from from_onnx import labels_of, start_from
from network import BINS, STRIDES, Detector
from packs import FACE
from teachers import MEAN_BGR, STD_BGR

CLASS_WEIGHT, BINS_WEIGHT = 1.0, 1.0
CLASSES = 80
# Small batches stay in the processor's cache.
TEACHER_BATCH = 4
LEAST_SURE = 0.05
KEPT_BATCHES = 32


def resized(model: onnx.ModelProto, height_px: int, width_px: int, batch: int) -> onnx.ModelProto:
    """The published file takes one square picture: its fixed shapes are changed to a batch of this size."""
    side = model.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    cells = {-(-side // stride): (-(-height_px // stride), -(-width_px // stride)) for stride in STRIDES}
    areas = {number**2: rows * columns for number, (rows, columns) in cells.items()}
    reshaped = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for constant in model.graph.initializer:
        if constant.name not in reshaped:
            continue
        shape = numpy_helper.to_array(constant).tolist()
        if len(shape) >= 4 and shape[-1] == shape[-2]:
            shape[-2:] = cells[shape[-1]]
        else:
            shape = [areas.get(number, number) for number in shape]
        constant.CopyFrom(numpy_helper.from_array(np.array([batch, *shape[1:]], np.int64), constant.name))
    for name, value, sizes in (("input", model.graph.input[0], [batch, 3, height_px, width_px]),
                               ("output", model.graph.output[0], [batch, sum(areas.values()), CLASSES + 4 * BINS])):
        value.type.tensor_type.ClearField("shape")
        for size in sizes:
            value.type.tensor_type.shape.dim.add().dim_value = size
    del model.graph.value_info[:]
    return model


@dataclass
class Answers:
    """Of one teacher or two, for a batch."""

    known: list[int]  # The network's classes that the teachers have
    classes: Tensor  # B x N x known, probabilities
    bins: Tensor  # B x N x 4 x BINS, that sum to 1

    def together(self, other: "Answers") -> "Answers":
        """Of two teachers that know different classes; each cell has the box of the one that is surer."""
        surer = other.classes.amax(2) > self.classes.amax(2)
        return Answers([*self.known, *other.known], torch.cat([self.classes, other.classes], 2),
                       torch.where(surer[..., None, None], other.bins, self.bins))


class Teacher:
    """A NanoDet-Plus file, at the size of the pictures that it gets."""

    def __init__(self, path: Path, ids: list[int], threads: int):
        self.path, self.threads = path, threads
        # The classes of the network, and where the teacher has them.
        self.known = [place for place, number in enumerate(ids) if number != FACE]
        self.columns = [ids[place] for place in self.known]
        self.size, self.session = None, None

    def open(self, size: tuple[int, int]) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 3
        model = resized(onnx.load(self.path), *size, TEACHER_BATCH)
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.size = size

    def __call__(self, pixels: Tensor) -> Answers:
        """uint8 B x H x W x 3, BGR."""
        if self.size != tuple(pixels.shape[1:3]):
            self.open(tuple(pixels.shape[1:3]))
        normalised = ((pixels.numpy().astype(np.float32) - MEAN_BGR) / STD_BGR).transpose(0, 3, 1, 2)
        count = len(normalised)
        # The last part is filled up with the first pictures.
        normalised = np.resize(normalised, (count + -count % TEACHER_BATCH, *normalised.shape[1:]))
        name = self.session.get_inputs()[0].name
        parts = [self.session.run(None, {name: np.ascontiguousarray(part)})[0]
                 for part in np.split(normalised, len(normalised) // TEACHER_BATCH)]
        answer = np.concatenate(parts)[:count]
        classes = torch.from_numpy(answer[..., self.columns])
        bins = torch.from_numpy(answer[..., CLASSES:]).unflatten(2, (4, BINS)).softmax(3)
        return Answers(self.known, classes, bins)


class FaceTeacher:
    """An exported model of this network, of which only faces count."""

    def __init__(self, path: Path, ids: list[int], pictures: Tensor):
        """uint8 pictures B x H x W x 3, BGR, for `start_from`."""
        self.known = [ids.index(FACE)]
        names = labels_of(path)
        self.column = names.index("face")
        self.model = Detector(len(names)).to(memory_format=torch.channels_last)
        start_from(path, self.model, names, to_tensor(pictures))
        self.model.eval().requires_grad_(False)

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> Answers:
        answer = self.model(to_tensor(pixels))
        classes = answer[..., self.column, None].sigmoid()
        return Answers(self.known, classes, answer[..., -4 * BINS :].unflatten(2, (4, BINS)).softmax(3))


def distillation_loss(answer: Tensor, taught: Answers) -> tuple[Tensor, dict[str, Tensor]]:
    """answer B x N x (C + 4 * BINS), float32. Both parts are sums over cells, divided by the sum of the cells' highest
    probability, by which boxes are weighted too."""
    logits, box_logits = answer.split([answer.shape[2] - 4 * BINS, 4 * BINS], 2)
    sure = taught.classes.amax(2)
    total = sure.sum().clamp(min=1)
    own = logits[..., taught.known]
    # Binary cross entropy, less what it would be with the teacher's own answer.
    entropy = F.binary_cross_entropy(taught.classes, taught.classes, reduction="sum")
    cost = F.softplus(own).sum() - (own * taught.classes).sum() - entropy
    # Boxes of cells where the teacher sees nothing mean nothing.
    cell = torch.nonzero(sure > LEAST_SURE, as_tuple=True)
    bins = box_logits[cell].unflatten(1, (4, BINS)).log_softmax(2)
    apart = F.kl_div(bins, taught.bins[cell], reduction="none").sum(2).mean(1)
    parts = {"teacher_class": cost / total, "teacher_bins": (apart * sure[cell]).sum() / total}
    loss = CLASS_WEIGHT * parts["teacher_class"] + BINS_WEIGHT * parts["teacher_bins"]
    return loss, {name: part.detach() for name, part in parts.items()}


def echoed(batches: Iterable, teacher: Callable[[Tensor], Answers], times: int, random: np.random.Generator) -> Iterator:
    """Each batch `times` times, with the teacher's answers, mixed with the others of KEPT_BATCHES (data echoing: Choi et
    al., Faster Neural Network Training with Data Echoing, 2019), because the teacher takes as long as a training step."""
    kept, left = [], []
    for pixels, rows in batches:
        kept.append((pixels, rows, teacher(pixels)))
        left.append(times)
        while len(kept) == KEPT_BATCHES:
            place = int(random.integers(len(kept)))
            left[place] -= 1
            yield kept[place]
            if left[place] == 0:
                del kept[place], left[place]
