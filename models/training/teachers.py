"""The teachers: published ONNX detectors that label the classes that are not annotated.

Each maps a picture (H x W x 3, BGR, uint8) to an array of rows
`[x1, y1, x2, y2, score, class]` in pixels of that picture, classes 0..79 in COCO-80 order and
80 = face. Their files, inputs, outputs and licences are described in the model card. Only their detections are
used, not their weights.
"""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime

FACE = 80
MEAN_BGR = np.array([103.53, 116.28, 123.675], np.float32)
STD_BGR = np.array([57.375, 57.12, 58.395], np.float32)


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def nms(rows: np.ndarray, iou: float) -> np.ndarray:
    """Greedy non-maximum suppression within each class."""
    kept = []
    for label in np.unique(rows[:, 5]):
        of_class = rows[rows[:, 5] == label]
        of_class = of_class[np.argsort(-of_class[:, 4], kind="stable")]
        while len(of_class):
            kept.append(of_class[0])
            of_class = of_class[1:][iou_of(of_class[:1], of_class[1:])[0] <= iou]
    return np.array(kept, np.float32).reshape(-1, 6)


def iou_of(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of each box of `a` with each of `b`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    both = np.prod(np.clip(high - low, 0, None), axis=2)
    area = lambda boxes: np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1)
    return both / np.maximum(area(a)[:, None] + area(b)[None] - both, 1e-9)


class NanoDetPlus:
    """NanoDet-Plus: class probabilities, then four distributions over 0..7 strides."""

    STRIDES = (8, 16, 32, 64)

    def __init__(self, path: Path, side_px: int, threads: int):
        self.session = open_session(path, threads)
        self.side_px = side_px
        priors = []
        for stride in self.STRIDES:
            cells = -(-side_px // stride)
            y, x = np.divmod(np.arange(cells * cells), cells)
            priors.append(np.stack([x * stride, y * stride, np.full_like(x, stride)], 1))
        self.priors = np.concatenate(priors).astype(np.float32)

    def __call__(self, picture: np.ndarray, min_score: float) -> np.ndarray:
        side = self.side_px
        tensor = (cv2.resize(picture, (side, side)).astype(np.float32) - MEAN_BGR) / STD_BGR
        rows = self.session.run(None, {"data": tensor.transpose(2, 0, 1)[None]})[0][0]
        cell, label = np.nonzero(rows[:, :80] >= min_score)
        bins = rows[cell, 80:].reshape(-1, 4, 8)
        weight = np.exp(bins - bins.max(2, keepdims=True))
        mean = (weight * np.arange(8)).sum(2) / weight.sum(2)
        x, y, stride = self.priors[cell].T
        reach = mean * stride[:, None]
        boxes = np.stack([x - reach[:, 0], y - reach[:, 1], x + reach[:, 2], y + reach[:, 3]], 1)
        height, width = picture.shape[:2]
        boxes *= np.array([width, height, width, height], np.float32) / side
        return nms(np.column_stack([boxes, rows[cell, label], label]).astype(np.float32), 0.6)


class DeimV2:
    """DEIMv2: needs no suppression, and gives boxes in pixels of the picture."""

    def __init__(self, path: Path, side_px: int, threads: int):
        self.session = open_session(path, threads)
        self.side_px = side_px

    def __call__(self, picture: np.ndarray, min_score: float) -> np.ndarray:
        height, width = picture.shape[:2]
        rgb = cv2.resize(picture, (self.side_px, self.side_px))[:, :, ::-1]
        feed = {
            "images": np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32)[None] / np.float32(255),
            "orig_target_sizes": np.array([[width, height]], np.int64),
        }
        answer = dict(zip([o.name for o in self.session.get_outputs()], self.session.run(None, feed)))
        rows = np.column_stack([answer["boxes"][0], answer["scores"][0], answer["labels"][0]])
        return rows[rows[:, 4] >= min_score].astype(np.float32)


class YuNet:
    """YuNet: faces. Three strides; the score is the root of class times objectness."""

    def __init__(self, path: Path, side_px: int, threads: int):
        self.session = open_session(path, threads)
        self.side_px = side_px

    def __call__(self, picture: np.ndarray, min_score: float) -> np.ndarray:
        side = self.side_px
        tensor = cv2.resize(picture, (side, side)).astype(np.float32).transpose(2, 0, 1)[None]
        names = [output.name for output in self.session.get_outputs()]
        answer = dict(zip(names, self.session.run(None, {"input": tensor})))
        found = []
        for stride in (8, 16, 32):
            score = np.sqrt(answer[f"cls_{stride}"][0, :, 0] * answer[f"obj_{stride}"][0, :, 0])
            cell = np.nonzero(score >= min_score)[0]
            y, x = np.divmod(cell, side // stride)
            box = answer[f"bbox_{stride}"][0, cell]
            centre = (np.stack([x, y], 1) + box[:, :2]) * stride
            half = np.exp(box[:, 2:]) * stride / 2
            found.append(np.column_stack([centre - half, centre + half, score[cell]]))
        rows = np.concatenate(found)
        height, width = picture.shape[:2]
        rows[:, :4] *= np.array([width, height, width, height], np.float32) / side
        return nms(np.column_stack([rows, np.full(len(rows), FACE)]).astype(np.float32), 0.4)


def mirrored(teacher, picture: np.ndarray, min_score: float) -> np.ndarray:
    """The detections in the mirror image, mirrored back."""
    rows = teacher(np.ascontiguousarray(picture[:, ::-1]), min_score)
    rows[:, [0, 2]] = picture.shape[1] - rows[:, [2, 0]]
    return rows


def fuse(views: list[np.ndarray], iou: float) -> np.ndarray:
    """Weighted boxes fusion (Solovyev et al., 2021): boxes of one class that overlap become their
    mean, weighted by score; the score is the sum over the views divided by their number, so that a
    box that only one view detects gets a low score."""
    rows = np.concatenate(views)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    fused = []
    while len(rows):
        first = rows[0]
        near = (rows[:, 5] == first[5]) & (iou_of(first[None], rows)[0] >= iou)
        near[0] = True
        group = rows[near]
        box = (group[:, :4] * group[:, 4:5]).sum(0) / group[:, 4].sum()
        score = min(1.0, group[:, 4].sum() / len(views))
        fused.append([*box, score, first[5]])
        rows = rows[~near]
    return np.array(fused, np.float32).reshape(-1, 6)
