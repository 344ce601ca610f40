"""A pack: decoded pictures one after another in `NAME.bin`, and `NAME.json` with the labels of
each. Decoding 6,000 JPEG files in every epoch would take longer than the training of a small network; memory-mapped
files are shared by all loader processes.
"""

import json
import os
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

FACE = 80
# The pack that teachers do not label: only distillation learns from it.
UNLABELLED = "unlabelled"


@dataclass
class Picture:
    """One picture and its labels, boxes as `[x1, y1, x2, y2]` in its own pixels."""

    name: str
    source: str
    width: int
    height: int
    offset: int = 0
    held_out: bool = False
    # Classes whose objects all have a box in this picture. Teachers label the others.
    complete: list[int] = field(default_factory=list)
    # Whether the teachers have labelled it, or need not.
    labelled: bool = False
    # Rows `[x1, y1, x2, y2, score, class]`; score 1 is an annotator's, less is a teacher's.
    boxes: list[list[float]] = field(default_factory=list)


class PackWriter:
    def __init__(self, folder: Path, name: str):
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / name
        self.bytes = open(self.path.with_suffix(".bin"), "wb")
        self.pictures: list[Picture] = []

    def add(self, pixels: np.ndarray, picture: Picture) -> None:
        assert pixels.shape == (picture.height, picture.width, 3) and pixels.dtype == np.uint8
        picture.offset = self.bytes.tell()
        self.bytes.write(np.ascontiguousarray(pixels).tobytes())
        self.pictures.append(picture)

    def close(self) -> None:
        self.bytes.close()
        save_labels(self.path, self.pictures)


def save_labels(path: Path, pictures: list[Picture]) -> None:
    """Replaced whole, so that a training that reads meanwhile never sees half of the labels."""
    writing = path.with_suffix(".writing")
    writing.write_text(json.dumps([asdict(picture) for picture in pictures]))
    os.replace(writing, path.with_suffix(".json"))


class Pack:
    def __init__(self, path: Path):
        self.path = path
        self.pictures = [Picture(**row) for row in json.loads(path.with_suffix(".json").read_text())]
        self.bytes = np.memmap(path.with_suffix(".bin"), np.uint8, "r")

    def pixels(self, index: int) -> np.ndarray:
        """H x W x 3, BGR, a view into the mapped file."""
        picture = self.pictures[index]
        size = picture.width * picture.height * 3
        flat = self.bytes[picture.offset : picture.offset + size]
        return flat.reshape(picture.height, picture.width, 3)


def open_packs(folder: Path) -> list[Pack]:
    return [Pack(path.with_suffix("")) for path in sorted(folder.glob("*.json"))]


def part_of(name: str) -> float:
    """A number from 0 to 1 by the name, so that the same pictures are chosen on every machine and in every set."""
    return zlib.crc32(name.encode()) % 1000 / 1000


def held_out_share(complete: list[int]) -> float:
    """Of the pictures; more of those with annotated faces, which are fewer."""
    return 0.1 if FACE in complete else 0.05


def is_held_out(name: str, share: float) -> bool:
    return part_of(name) < share


def shrunk(pixels: np.ndarray, longest_px: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
