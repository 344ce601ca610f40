"""The network: a small single-stage detector for one CPU core.

Plain 3x3 convolutions in the backbone (they train three times faster on a CPU than depthwise ones of
fewer operations, and run no slower), depthwise ones in neck and head, where channels are few.
Four levels of 8, 16, 32 and 64 pixels a cell. The answer has NanoDet-Plus's form (RangiLyu, 2021):
class scores, then for each side of the box a distribution over 0..7 cells (Li et al., Generalized
Focal Loss, 2020), measured from the cell's corner.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDES = (8, 16, 32, 64)
BINS = 8


def conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    padding = 0 if kernel == stride else kernel // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.03),
        # ONNX Runtime fuses ReLU into the convolution.
        nn.ReLU(inplace=True),
    )


def separable(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(conv(inputs, inputs, 3, groups=inputs), conv(inputs, outputs))


class Elan(nn.Module):
    """Half of the channels pass `depth` 3x3 convolutions; all intermediate results are
    concatenated and mixed (Wang et al., Designing Network Design Strategies Through Gradient Path Analysis, 2022)."""

    def __init__(self, channels: int, depth: int):
        super().__init__()
        half = channels // 2
        self.steps = nn.ModuleList(conv(half, half, 3) for _ in range(depth))
        self.mix = conv(channels + depth * half, channels)

    def forward(self, x: Tensor) -> Tensor:
        kept = [x]
        last = x[:, x.shape[1] // 2 :]
        for step in self.steps:
            last = step(last)
            kept.append(last)
        return self.mix(torch.cat(kept, 1))


class Pyramid(nn.Module):
    """Fast spatial pyramid pooling: windows of 5, 9 and 13 cells, by repeated pooling."""

    def __init__(self, channels: int):
        super().__init__()
        half = channels // 2
        self.narrow = conv(channels, half)
        self.mix = conv(half * 4, channels)

    def forward(self, x: Tensor) -> Tensor:
        pooled = [self.narrow(x)]
        for _ in range(3):
            pooled.append(F.max_pool2d(pooled[-1], 5, 1, 2))
        return self.mix(torch.cat(pooled, 1))


class Backbone(nn.Module):
    """Maps a picture to features of 8, 16 and 32 pixels a cell."""

    CHANNELS = (64, 128, 192)

    def __init__(self):
        super().__init__()
        fine, middle, coarse = self.CHANNELS
        self.stem = nn.Sequential(conv(3, 16, 3, 2), conv(16, 24, 3, 2))
        self.fine = nn.Sequential(conv(24, fine, 2, 2), Elan(fine, 2))
        self.middle = nn.Sequential(conv(fine, middle, 2, 2), Elan(middle, 3))
        self.coarse = nn.Sequential(conv(middle, coarse, 2, 2), Elan(coarse, 2), Pyramid(coarse))

    def forward(self, x: Tensor) -> list[Tensor]:
        fine = self.fine(self.stem(x))
        middle = self.middle(fine)
        return [fine, middle, self.coarse(middle)]


def halved(x: Tensor) -> Tensor:
    # A strided depthwise convolution would improve little, and its gradient takes a tenth of a training step on a CPU.
    return F.max_pool2d(x, 2, ceil_mode=True)


class Neck(nn.Module):
    """A path aggregation network: from coarse to fine, back again, and one coarser level."""

    def __init__(self, inputs: tuple[int, ...], channels: int):
        super().__init__()
        self.lateral = nn.ModuleList(conv(width, channels) for width in inputs)
        fuse = lambda: nn.Sequential(conv(2 * channels, channels), separable(channels, channels))
        self.down = nn.ModuleList(fuse() for _ in range(2))
        self.up = nn.ModuleList(fuse() for _ in range(2))
        self.top = separable(channels, channels)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        levels = [lateral(feature) for lateral, feature in zip(self.lateral, features)]
        for index in (1, 0):
            wide = F.interpolate(levels[index + 1], size=levels[index].shape[2:], mode="nearest")
            levels[index] = self.down[index](torch.cat([levels[index], wide], 1))
        for index in (0, 1):
            levels[index + 1] = self.up[index](torch.cat([levels[index + 1], halved(levels[index])], 1))
        return [*levels, self.top(halved(levels[2]))]


class Head(nn.Module):
    """Two separable convolutions a level, then class logits and box bins from one 1x1."""

    def __init__(self, channels: int, classes: int):
        super().__init__()
        self.towers = nn.ModuleList(
            nn.Sequential(separable(channels, channels), separable(channels, channels)) for _ in STRIDES
        )
        self.answers = nn.ModuleList(nn.Conv2d(channels, classes + 4 * BINS, 1) for _ in STRIDES)
        for answer in self.answers:
            nn.init.normal_(answer.weight, std=0.01)
            nn.init.zeros_(answer.bias)
            # Most cells show no object: initial probabilities are 1 % (Lin et al., Focal Loss, 2017).
            nn.init.constant_(answer.bias[:classes], -4.6)

    def forward(self, levels: list[Tensor]) -> Tensor:
        rows = [answer(tower(x)).flatten(2) for answer, tower, x in zip(self.answers, self.towers, levels)]
        return torch.cat(rows, 2).transpose(1, 2)


class Detector(nn.Module):
    """B x 3 x H x W (BGR, normalised) to B x N x (classes + 32): class logits, then box logits."""

    NECK_CHANNELS = 64

    def __init__(self, classes: int):
        super().__init__()
        self.classes = classes
        self.backbone = Backbone()
        self.neck = Neck(Backbone.CHANNELS, self.NECK_CHANNELS)
        self.head = Head(self.NECK_CHANNELS, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.neck(self.backbone(x)))


def priors(height_px: int, width_px: int) -> Tensor:
    """N x 3: each cell's corner in pixels and its stride, in the order of the output's rows."""
    rows = []
    for stride in STRIDES:
        y = torch.arange(-(-height_px // stride)) * stride
        x = torch.arange(-(-width_px // stride)) * stride
        grid = torch.stack(torch.meshgrid(y, x, indexing="ij"), -1).reshape(-1, 2).flip(1)
        rows.append(torch.cat([grid, torch.full((len(grid), 1), stride)], 1))
    return torch.cat(rows).float()


def reach(box_logits: Tensor) -> Tensor:
    """32 x ... logits to 4 x ... distances (left, top, right, bottom) in cells: the mean of the softmax. Bins come first,
    because PyTorch's softmax over so few numbers is many times slower on a CPU."""
    bins = box_logits.unflatten(0, (4, BINS))
    weights = (bins - bins.detach().amax(1, keepdim=True)).exp()
    places = torch.arange(BINS, dtype=weights.dtype, device=weights.device)
    return torch.tensordot(places, weights, ([0], [1])) / weights.sum(1)


def boxes_at(prior: Tensor, distances: Tensor) -> Tensor:
    """Distances from the priors in cells to `x1, y1, x2, y2` in pixels."""
    around = distances * prior[..., 2:]
    return torch.cat([prior[..., :2] - around[..., :2], prior[..., :2] + around[..., 2:]], -1)


def macs(model: nn.Module, height_px: int, width_px: int) -> int:
    """Multiply-accumulates of all convolutions; operations are twice that."""
    total = 0

    def count(layer: nn.Conv2d, _, output: Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * output.shape[2] * output.shape[3]

    hooks = [m.register_forward_hook(count) for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, height_px, width_px))
    for hook in hooks:
        hook.remove()
    return total
