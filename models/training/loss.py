"""The assignment of boxes to cells, and the loss.

Task-aligned assignment (Feng et al., TOOD, 2021): for each box, the cells inside it with the highest
`score^0.5 * iou^6`. The loss is that of YOLOv8: binary cross entropy against the alignment for classes, GIoU and
distribution focal loss for boxes. Two things differ, because many labels come from teachers: a box is weighted by its
score, and classes that a picture is not annotated for are left out of the loss where a teacher is uncertain.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from network import BINS, boxes_at, reach

CANDIDATES = 10
SCORE_POWER, IOU_POWER = 0.5, 6.0
CLASS_WEIGHT, BOX_WEIGHT, BINS_WEIGHT = 1.0, 5.0, 0.75


@dataclass
class Truth:
    """All boxes of a batch in one list."""

    picture: Tensor  # G, index in the batch
    box: Tensor  # G x 4, pixels
    label: Tensor  # G
    trust: Tensor  # G, 1 for an annotator's box, less for a teacher's; 0: neither object nor background


def aligned_iou(a: Tensor, b: Tensor, generalised: bool = False) -> Tensor:
    """IoU (or GIoU) of boxes row by row."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    product = lambda sides: sides[..., 0] * sides[..., 1]
    both = product((high - low).clamp(min=0))
    area = lambda boxes: product((boxes[..., 2:] - boxes[..., :2]).clamp(min=0))
    either = area(a) + area(b) - both
    iou = both / either.clamp(min=1e-6)
    if not generalised:
        return iou
    low, high = torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])
    hull = product(high - low).clamp(min=1e-6)
    return iou - (hull - either) / hull


def within(points: Tensor, box: Tensor) -> Tensor:
    """Which of N points lie in which of G boxes: G x N. By axis, which is twice as fast as by pairs."""
    x, y = points[None, :, 0], points[None, :, 1]
    left, top, right, bottom = box[:, :, None].unbind(1)
    return (x > left) & (x < right) & (y > top) & (y < bottom)


@torch.no_grad()
def assign(logits: Tensor, distances: Tensor, prior: Tensor, truth: Truth):
    """Gives for each assigned cell its picture, its index, the index of its box and its target score (0..1).

    logits B x C x N, distances 4 x B x N in cells, prior N x 3.
    """
    wanted = torch.nonzero(truth.trust > 0).flatten()
    box, picture, label = truth.box[wanted], truth.picture[wanted], truth.label[wanted]
    # A cell is inside a box by its centre; distances start at its corner.
    middle = prior[:, :2] + prior[:, 2:] / 2
    inside = within(middle, box)
    # A tiny box may contain no cell's centre: then the nearest cell counts, of the finest level first.
    lost = torch.nonzero(~inside.any(1)).flatten()
    centre = (box[lost, :2] + box[lost, 2:]) / 2
    nearest = (middle[None] - centre[:, None]).square().sum(-1) + prior[None, :, 2]
    inside[lost, nearest.argmin(1)] = True
    row, cell = torch.nonzero(inside, as_tuple=True)
    iou = aligned_iou(boxes_at(prior[cell], distances[:, picture[row], cell].T), box[row])
    score = logits[picture[row], label[row], cell].sigmoid()
    metric = torch.full(inside.shape, -1.0, device=box.device)
    metric[row, cell] = (score.clamp(min=1e-6) ** SCORE_POWER) * (iou ** IOU_POWER)
    overlap = torch.zeros_like(metric)
    overlap[row, cell] = iou
    best, cells = metric.topk(CANDIDATES, dim=1)
    rows = torch.arange(len(box), device=box.device)[:, None].expand_as(cells)
    chosen = best >= 0
    rows, cells, best = rows[chosen], cells[chosen], best[chosen]
    # Each cell is assigned to one box: the one that it overlaps most.
    order = torch.argsort(overlap[rows, cells])
    rows, cells, best = rows[order], cells[order], best[order]
    owner = torch.full((len(logits) * len(prior),), -1, device=box.device)
    place = picture[rows] * len(prior) + cells
    owner[place] = torch.arange(len(rows), device=box.device)
    kept = owner[owner >= 0]
    rows, cells, best = rows[kept], cells[kept], best[kept]
    # The target of a box's best cell is its IoU; those of the others are proportionally smaller.
    top_metric = torch.zeros(len(box), device=box.device).scatter_reduce(0, rows, best, "amax")
    top_iou = torch.zeros(len(box), device=box.device).scatter_reduce(0, rows, overlap[rows, cells], "amax")
    aim = best / top_metric[rows].clamp(min=1e-9) * top_iou[rows]
    return picture[rows], cells, wanted[rows], aim


@torch.no_grad()
def ignored(truth: Truth, prior: Tensor, picture: Tensor, label: Tensor, cell: Tensor, shape: torch.Size):
    """The pictures, classes and cells that do not count in the loss, because a teacher is uncertain there; assigned
    cells (`picture`, `label`, `cell`) always count."""
    doubt = torch.nonzero(truth.trust == 0).flatten()
    row, inside = torch.nonzero(within(prior[:, :2] + prior[:, 2:] / 2, truth.box[doubt]), as_tuple=True)
    place = lambda picture, label, cell: (picture * shape[1] + label) * shape[2] + cell
    places = place(truth.picture[doubt][row], truth.label[doubt][row], inside).unique()
    places = places[~torch.isin(places, place(picture, label, cell))]
    return torch.unravel_index(places, shape)


def bins_loss(logits: Tensor, distance: Tensor) -> Tensor:
    """Distribution focal loss: cross entropy with the two bins around the distance. 4 x BINS x M and 4 x M."""
    distance = distance.clamp(0, BINS - 1 - 0.01)
    low = distance.floor().long()
    share = distance - low
    at = lambda bin_: logits.gather(1, bin_[:, None])[:, 0]
    return (logits.logsumexp(1) - at(low) * (1 - share) - at(low + 1) * share).mean(0)


def loss(answer: Tensor, prior: Tensor, truth: Truth) -> tuple[Tensor, dict[str, Tensor]]:
    """answer B x N x (C + 4 * BINS), float32."""
    # The network makes it with the cells last in memory.
    answer = answer.transpose(1, 2)
    logits, box_logits = answer.split([answer.shape[1] - 4 * BINS, 4 * BINS], 1)
    classes = logits.shape[1]
    picture, cell, row, aim = assign(logits.detach(), reach(box_logits.detach().transpose(0, 1)), prior, truth)
    label, aim = truth.label[row], aim * truth.trust[row]
    total = aim.sum().clamp(min=1)
    doubt_picture, doubt_label, doubt_cell = ignored(truth, prior, picture, label, cell, logits.shape)
    # All cells that need more than the sum below, by one indexing, whose gradient is as large as the answer.
    own = answer[torch.cat([picture, doubt_picture]), :, torch.cat([cell, doubt_cell])]
    own, doubted = own.split([len(cell), len(doubt_cell)])
    # Binary cross entropy is softplus(logit) - target * logit, and few targets are not 0.
    costs = F.softplus(logits).sum() - F.softplus(doubted.gather(1, doubt_label[:, None])).sum()
    costs = costs - (own.gather(1, label[:, None])[:, 0] * aim).sum()
    own = own[:, classes:].T
    own_boxes = boxes_at(prior[cell], reach(own).T)
    corner, stride = prior[cell, :2], prior[cell, 2:]
    sides = torch.cat([corner - truth.box[row, :2], truth.box[row, 2:] - corner], 1) / stride
    parts = {
        "class": costs / total,
        "box": ((1 - aligned_iou(own_boxes, truth.box[row], generalised=True)) * aim).sum() / total,
        "bins": (bins_loss(own.unflatten(0, (4, BINS)), sides.T) * aim).sum() / total,
    }
    cost = CLASS_WEIGHT * parts["class"] + BOX_WEIGHT * parts["box"] + BINS_WEIGHT * parts["bins"]
    return cost, {name: part.detach() for name, part in parts.items()}
