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
    both = (high - low).clamp(min=0).prod(-1)
    area = lambda boxes: (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)
    either = area(a) + area(b) - both
    iou = both / either.clamp(min=1e-6)
    if not generalised:
        return iou
    low, high = torch.minimum(a[..., :2], b[..., :2]), torch.maximum(a[..., 2:], b[..., 2:])
    hull = (high - low).prod(-1).clamp(min=1e-6)
    return iou - (hull - either) / hull


def within(points: Tensor, box: Tensor) -> Tensor:
    """Which of N points lie in which of G boxes: G x N. By axis, which is twice as fast as by pairs."""
    x, y = points[None, :, 0], points[None, :, 1]
    left, top, right, bottom = box[:, :, None].unbind(1)
    return (x > left) & (x < right) & (y > top) & (y < bottom)


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, prior: Tensor, truth: Truth):
    """Gives for each assigned cell its picture, its index, the index of its box and its target score (0..1).

    scores B x N x C (probabilities), boxes B x N x 4, prior N x 3.
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
    iou = aligned_iou(boxes[picture[row], cell], box[row])
    score = scores[picture[row], cell, label[row]]
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
    owner = torch.full((len(scores) * len(prior),), -1, device=box.device)
    place = picture[rows] * len(prior) + cells
    owner[place] = torch.arange(len(rows), device=box.device)
    kept = owner[owner >= 0]
    rows, cells, best = rows[kept], cells[kept], best[kept]
    # The target of a box's best cell is its IoU; those of the others are proportionally smaller.
    top_metric = torch.zeros(len(box), device=box.device).scatter_reduce(0, rows, best, "amax")
    top_iou = torch.zeros(len(box), device=box.device).scatter_reduce(0, rows, overlap[rows, cells], "amax")
    aim = best / top_metric[rows].clamp(min=1e-9) * top_iou[rows]
    return picture[rows], cells, wanted[rows], aim


def ignored(truth: Truth, prior: Tensor, shape: torch.Size) -> Tensor:
    """1 where a class counts in the loss, 0 where a teacher is uncertain: B x N x C."""
    judged = torch.ones(shape, device=prior.device)
    doubt = torch.nonzero(truth.trust == 0).flatten()
    if len(doubt):
        middle = prior[:, :2] + prior[:, 2:] / 2
        box = truth.box[doubt]
        row, cell = torch.nonzero(within(middle, box), as_tuple=True)
        judged[truth.picture[doubt][row], cell, truth.label[doubt][row]] = 0
    return judged


def bins_loss(logits: Tensor, distance: Tensor) -> Tensor:
    """Distribution focal loss: cross entropy with the two bins around the distance. M x 4 x BINS."""
    distance = distance.clamp(0, BINS - 1 - 0.01)
    low = distance.floor().long()
    share = distance - low
    log = logits.log_softmax(-1)
    at = lambda bin_: log.gather(-1, bin_[..., None])[..., 0]
    return -(at(low) * (1 - share) + at(low + 1) * share).mean(-1)


def loss(answer: Tensor, prior: Tensor, truth: Truth) -> tuple[Tensor, dict[str, float]]:
    """answer B x N x (C + 4 * BINS), float32."""
    classes = answer.shape[-1] - 4 * BINS
    logits, box_logits = answer[..., :classes], answer[..., classes:]
    boxes = boxes_at(prior, reach(box_logits.detach()))
    picture, cell, row, aim = assign(logits.detach().sigmoid(), boxes, prior, truth)
    target = torch.zeros_like(logits)
    target[picture, cell, truth.label[row]] = aim * truth.trust[row]
    weight = ignored(truth, prior, logits.shape)
    # Assigned cells always count.
    weight[picture, cell, truth.label[row]] = 1
    total = target.sum().clamp(min=1)
    class_loss = (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum() / total
    if len(cell) == 0:
        return CLASS_WEIGHT * class_loss, {"class": class_loss.item()}
    box_weight = (aim * truth.trust[row]).detach()
    own_logits = box_logits[picture, cell].unflatten(-1, (4, BINS))
    own_boxes = boxes_at(prior[cell], own_logits.softmax(-1) @ torch.arange(BINS, dtype=torch.float32, device=prior.device))
    box_loss = ((1 - aligned_iou(own_boxes, truth.box[row], generalised=True)) * box_weight).sum() / total
    corner, stride = prior[cell, :2], prior[cell, 2:]
    sides = torch.cat([corner - truth.box[row, :2], truth.box[row, 2:] - corner], 1) / stride
    bin_loss = (bins_loss(own_logits, sides) * box_weight).sum() / total
    parts = {"class": class_loss.item(), "box": box_loss.item(), "bins": bin_loss.item()}
    return CLASS_WEIGHT * class_loss + BOX_WEIGHT * box_loss + BINS_WEIGHT * bin_loss, parts
