"""Each model of `manifest.toml` in plain numpy, written from the papers and the published code of its authors and
independent of the program: a reference for accuracy and a source of detections for statistics.

Pictures are BGR, uint8, [height, width, 3]. A result is rows of [x1, y1, x2, y2, score, class] in pixels of the
picture, float64, one class for each cell of the network, best first.
"""

import dataclasses
import pathlib
from collections.abc import Callable

import cv2
import numpy as np
import onnxruntime

MOST_BOXES = 100


@dataclasses.dataclass(frozen=True)
class Contract:
    """What a network expects and what `decode` makes of its answers: rows in pixels of the input."""

    size: tuple[int, int]  # width, height
    decode: Callable
    rgb: bool = False
    mean: tuple = (0.0, 0.0, 0.0)
    std: tuple = (1.0, 1.0, 1.0)
    letterbox: bool = False
    nms_iou: float | None = 0.5


def softmax(values: np.ndarray) -> np.ndarray:
    raised = np.exp(values - values.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def grid(columns: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[0:rows, 0:columns]
    return x.reshape(-1).astype(float), y.reshape(-1).astype(float)


def best_class(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """`boxes` [n, 4], `scores` [n, classes]."""
    label = scores.argmax(1)
    score = scores[np.arange(len(label)), label]
    return np.column_stack([boxes, score, label])


def by_centre(cx, cy, width, height) -> np.ndarray:
    return np.column_stack([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2])


def yolox(answers: dict, size: tuple[int, int]) -> np.ndarray:
    """Ge et al. 2021, arXiv:2107.08430; objectness and classes are after the sigmoid."""
    (rows,) = (answer[0].astype(float) for answer in answers.values())
    parts, start = [], 0
    for stride in (8, 16, 32):
        x, y = grid(size[0] // stride, size[1] // stride)
        part = rows[start : start + len(x)]
        start += len(x)
        width, height = np.exp(part[:, 2]) * stride, np.exp(part[:, 3]) * stride
        parts.append(by_centre((part[:, 0] + x) * stride, (part[:, 1] + y) * stride, width, height))
    return best_class(np.concatenate(parts), rows[:, 4:5] * rows[:, 5:])


def by_distances(x, y, logits: np.ndarray, stride: int) -> np.ndarray:
    """Boxes of Generalised Focal Loss (Li et al. 2020, arXiv:2006.04388): `logits` [n, 4 * bins]."""
    logits = logits.reshape(len(logits), 4, -1)
    reach = (softmax(logits) * np.arange(logits.shape[2])).sum(2) * stride
    return np.column_stack([x - reach[:, 0], y - reach[:, 1], x + reach[:, 2], y + reach[:, 3]])


def nanodet_plus(answers: dict, size: tuple[int, int]) -> np.ndarray:
    (rows,) = (answer[0].astype(float) for answer in answers.values())
    classes, parts, start = rows.shape[1] - 32, [], 0
    for stride in (8, 16, 32, 64):
        x, y = grid(-(-size[0] // stride), -(-size[1] // stride))
        part = rows[start : start + len(x), classes:]
        start += len(x)
        parts.append(by_distances(x * stride, y * stride, part, stride))
    return best_class(np.concatenate(parts), rows[:, :classes])


def picodet(answers: dict, size: tuple[int, int]) -> np.ndarray:
    answers = [answer[0].astype(float) for answer in answers.values()]
    parts, scores = [], []
    for stride in (8, 16, 32, 64):
        x, y = grid(-(-size[0] // stride), -(-size[1] // stride))
        of_level = [answer for answer in answers if len(answer) == len(x)]
        (score,) = (answer for answer in of_level if answer.shape[1] == 80)
        (logits,) = (answer for answer in of_level if answer.shape[1] == 32)
        scores.append(score)
        parts.append(by_distances((x + 0.5) * stride, (y + 0.5) * stride, logits, stride))
    return best_class(np.concatenate(parts), np.concatenate(scores))


def fastestdet(answers: dict, size: tuple[int, int]) -> np.ndarray:
    (planes,) = (answer[0].astype(float) for answer in answers.values())
    channels, rows, columns = planes.shape
    cells = planes.reshape(channels, -1).T
    x, y = grid(columns, rows)
    centre_x = (x + np.tanh(cells[:, 1])) * size[0] / columns
    centre_y = (y + np.tanh(cells[:, 2])) * size[1] / rows
    width = size[0] / (1 + np.exp(-cells[:, 3]))
    height = size[1] / (1 + np.exp(-cells[:, 4]))
    scores = cells[:, :1] ** 0.6 * cells[:, 5:] ** 0.4
    return best_class(by_centre(centre_x, centre_y, width, height), scores)


def deimv2(answers: dict, size: tuple[int, int]) -> np.ndarray:
    """The network sorts and decodes by itself; `size` was told to it as that of the picture."""
    label, boxes, score = (answers[name][0] for name in ("labels", "boxes", "scores"))
    return np.column_stack([boxes, score, label]).astype(float)


NANODET = {"mean": (103.53, 116.28, 123.675), "std": (57.375, 57.12, 58.395)}
CONTRACTS = {
    "yolox_nano": Contract((416, 416), yolox, letterbox=True),
    "nanodet_plus_m_416": Contract((416, 416), nanodet_plus, **NANODET),
    "nanodet_plus_m_320": Contract((320, 320), nanodet_plus, **NANODET),
    "nanodet_plus_m_1.5x_416": Contract((416, 416), nanodet_plus, **NANODET),
    "picodet_s_416_coco": Contract(
        (416, 416), picodet, rgb=True, mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)
    ),
    "deimv2_hgnetv2_atto_coco": Contract(
        (320, 320), deimv2, rgb=True, std=(255.0,) * 3, nms_iou=None
    ),
    "deimv2_hgnetv2_femto_coco": Contract(
        (416, 416), deimv2, rgb=True, std=(255.0,) * 3, nms_iou=None
    ),
    "fastestdet": Contract((352, 352), fastestdet, std=(255.0,) * 3, nms_iou=0.45),
}


class Reference:
    """One model, opened with one thread."""

    def __init__(self, name: str, file: pathlib.Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self.session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
        self.contract = CONTRACTS[name]

    def detect(self, picture: np.ndarray, min_score: float = 0.01) -> np.ndarray:
        contract, (height, width) = self.contract, picture.shape[:2]
        pixels, scale = fit(picture, contract)
        if contract.rgb:
            pixels = pixels[:, :, ::-1]
        tensor = (pixels.astype(np.float32) - contract.mean) / contract.std
        feed = {"orig_target_sizes": np.array([contract.size], np.int64)}
        names = [one.name for one in self.session.get_inputs()]
        feed = {name: value for name, value in feed.items() if name in names}
        (name,) = (name for name in names if name not in feed and len(self.shape(name)) == 4)
        feed[name] = np.ascontiguousarray(tensor.transpose(2, 0, 1)[None], np.float32)
        outputs = [one.name for one in self.session.get_outputs()]
        answers = dict(zip(outputs, self.session.run(outputs, feed), strict=True))
        rows = contract.decode(answers, contract.size)
        rows = rows[rows[:, 4] >= min_score]
        rows[:, [0, 2]] = (rows[:, [0, 2]] * scale[0]).clip(0, width)
        rows[:, [1, 3]] = (rows[:, [1, 3]] * scale[1]).clip(0, height)
        if contract.nms_iou is not None:
            rows = suppress(rows, contract.nms_iou)
        return rows[np.argsort(-rows[:, 4], kind="stable")][:MOST_BOXES]

    def shape(self, name: str) -> list:
        return next(one.shape for one in self.session.get_inputs() if one.name == name)


def fit(picture: np.ndarray, contract: Contract) -> tuple[np.ndarray, tuple[float, float]]:
    """The picture in the size of the network, and the factors from there to the picture."""
    (width, height), (rows, columns) = contract.size, picture.shape[:2]
    if not contract.letterbox:
        return cv2.resize(picture, (width, height)), (columns / width, rows / height)
    ratio = min(width / columns, height / rows)
    inside = (int(columns * ratio), int(rows * ratio))
    padded = np.full((height, width, 3), 114, np.uint8)
    padded[: inside[1], : inside[0]] = cv2.resize(picture, inside)
    return padded, (1 / ratio, 1 / ratio)


def iou(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of the box `one` [4] with each of `others` [n, 4]."""
    left, top = np.maximum(one[:2], others[:, :2]).T
    right, bottom = np.minimum(one[2:4], others[:, 2:4]).T
    both = np.maximum(right - left, 0) * np.maximum(bottom - top, 0)
    area = np.prod(others[:, 2:4] - others[:, :2], 1)
    either = np.prod(one[2:4] - one[:2]) + area - both
    return both / np.maximum(either, 1e-9)


def suppress(rows: np.ndarray, most_iou: float) -> np.ndarray:
    """Greedy non-maximum suppression of each class."""
    rest, kept = rows[np.argsort(-rows[:, 4], kind="stable")], []
    while len(rest):
        best, rest = rest[0], rest[1:]
        kept.append(best)
        rest = rest[(rest[:, 5] != best[5]) | (iou(best, rest[:, :4]) <= most_iou)]
    return np.array(kept).reshape(-1, 6)
