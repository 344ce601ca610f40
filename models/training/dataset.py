"""Endless batches: pictures sampled by source, augmented, as tensors with their ground truth."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from augment import degraded, mosaic, pasted, recoloured, single
from loss import Truth
from packs import open_packs

# The same for all channels: 114, the grey that pads pictures, becomes 0.
MEAN, STD = 114.0, 58.0

# How often a picture of a source is sampled, relative to one of COCO. Pictures like those of the evaluation, and like
# people before a webcam, have the largest weight; frames of one clip resemble each other.
WEIGHT = {"coco_val2017_person": 1.0, "clip": 0.15, "scene": 0.6}
OTHER_WEIGHT = 0.7

# A teacher's box with at least the first score is an object; with at least the second, neither an object nor
# background; below that, background.
TRUSTED, DOUBTED = 0.35, 0.2

# Repeat factor sampling (Gupta et al., LVIS, 2019): a picture with a class that is in fewer than this share of the
# pictures is sampled more often, by the square root of the ratio, up to a limit.
COMMON_SHARE, MOST_OFTEN = 0.05, 2.5

# How many pictures get a pasted thing.
PASTED_SHARE = 0.35


@dataclass
class Classes:
    """The classes that the network learns, by their COCO-80 number (80: face)."""

    names: list[str]
    ids: list[int]

    @staticmethod
    def read(path: Path) -> "Classes":
        rows = json.loads(path.read_text())
        return Classes([row["name"] for row in rows], [row["id"] for row in rows])

    def own(self, rows: list[list[float]]) -> np.ndarray:
        """The boxes of these classes, with the network's class numbers."""
        place = {number: index for index, number in enumerate(self.ids)}
        kept = [[*row[:5], place[int(row[5])]] for row in rows if int(row[5]) in place]
        return np.array(kept, np.float32).reshape(-1, 6)


@dataclass
class Cutouts:
    """What cutouts.py has written, if it was run, with the network's class numbers."""

    cut: np.ndarray
    aspect: np.ndarray
    label: np.ndarray

    @staticmethod
    def read(path: Path, classes: Classes) -> "Cutouts":
        if not path.exists():
            return Cutouts(np.empty((0, 1, 1, 4), np.uint8), np.empty(0, np.float32), np.empty(0, np.int64))
        with np.load(path) as found:
            kept = np.isin(found["label"], classes.ids)
            label = np.array([classes.ids.index(number) for number in found["label"][kept]], np.int64)
            return Cutouts(found["cut"][kept], found["aspect"][kept], label)

    @property
    def chance(self) -> np.ndarray:
        """A class is as likely as the root of the number of its things."""
        weights = 1 / np.sqrt(np.bincount(self.label)[self.label])
        return weights / weights.sum()

    def draw(self, random: np.random.Generator) -> tuple[np.ndarray, float, int]:
        number = int(np.searchsorted(np.cumsum(self.chance), random.random()).clip(0, len(self.label) - 1))
        label = self.label[number]
        return self.cut[number], float(self.aspect[number]), int(label)


def trusted(rows: np.ndarray) -> np.ndarray:
    """Weights by score: an annotator's 1 stays, a teacher's score is raised (0.5 is already a confident
    detection), and a score below TRUSTED becomes 0."""
    score = rows[:, 4]
    return np.where(score >= 1, 1.0, np.where(score >= TRUSTED, np.sqrt(score), 0.0)).astype(np.float32)


def rarity(pictures: list[np.ndarray], classes: int) -> np.ndarray:
    """How much more often to sample each picture, by the rarest class that it certainly shows."""
    present = [np.unique(rows[rows[:, 4] > 0, 5]).astype(int) for rows in pictures]
    share = np.bincount(np.concatenate(present), minlength=classes) / len(pictures)
    factor = np.sqrt(COMMON_SHARE / np.maximum(share, 1e-9)).clip(1, MOST_OFTEN)
    return np.array([factor[labels].max(initial=1) for labels in present])


class Batches(IterableDataset):
    """Yields (pictures uint8 B x H x W x 3, rows for `to_truth`), the latter None without `labelled`: of the pictures that
    teachers have not labelled. Each of several processes has its own seed."""

    def __init__(self, work: Path, classes: Classes, batch: int, size: tuple[int, int], mosaics: float,
                 seed: tuple[int, ...], labelled: bool = True):
        self.packs = open_packs(work / "packs")
        self.places = [
            (pack, index)
            for pack, opened in enumerate(self.packs)
            for index, picture in enumerate(opened.pictures)
            if picture.labelled == labelled and not picture.held_out
        ]
        self.rows = []
        weights = []
        for pack, index in self.places:
            picture = self.packs[pack].pictures[index]
            rows = classes.own(picture.boxes)
            rows = rows[rows[:, 4] >= DOUBTED]
            rows[:, 4] = trusted(rows)
            self.rows.append(rows)
            weights.append(WEIGHT.get(picture.source, OTHER_WEIGHT))
        if self.places:
            weights = np.array(weights) * rarity(self.rows, len(classes.names))
        self.chance = np.cumsum(weights) / np.sum(weights)
        self.labelled = labelled
        self.batch, self.size, self.mosaics, self.seed = batch, size, mosaics, seed
        self.cutouts = Cutouts.read(work / "cutouts.npz", classes)

    def __len__(self) -> int:
        return len(self.places)

    def draw(self, random: np.random.Generator) -> tuple:
        number = int(np.searchsorted(self.chance, random.random()))
        pack, index = self.places[number]
        return self.packs[pack].pixels(index), self.rows[number]

    def sample(self, random: np.random.Generator) -> tuple:
        if random.random() < self.mosaics:
            pixels, rows = mosaic([self.draw(random) for _ in range(4)], self.size, random)
        else:
            pixels, rows = single(*self.draw(random), self.size, random)
        if len(self.cutouts.label) and random.random() < PASTED_SHARE:
            pixels, rows = pasted(pixels, rows, *self.cutouts.draw(random), random)
        return degraded(recoloured(pixels, random), random), rows

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        random = np.random.default_rng([*self.seed, worker.id if worker else 0])
        while True:
            samples = [self.sample(random) for _ in range(self.batch)]
            pixels = torch.from_numpy(np.stack([pixels for pixels, _ in samples]))
            if not self.labelled:
                yield pixels, None
                continue
            rows = np.concatenate([rows for _, rows in samples])
            picture = np.repeat(np.arange(self.batch), [len(rows) for _, rows in samples])
            yield pixels, torch.from_numpy(np.column_stack([picture, rows]).astype(np.float32))


def to_truth(rows: Tensor) -> Truth:
    """Rows `[picture, x1, y1, x2, y2, trust, class]` of a batch."""
    return Truth(rows[:, 0].long(), rows[:, 1:5], rows[:, 6].long(), rows[:, 5])


def to_tensor(pixels: Tensor, precision: torch.dtype = torch.float32) -> Tensor:
    """uint8 B x H x W x 3 to normalised B x 3 x H x W, in channels-last memory order."""
    return pixels.to(precision).sub_(MEAN).mul_(1 / STD).permute(0, 3, 1, 2)
