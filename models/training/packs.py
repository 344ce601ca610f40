"""A pack: decoded pictures one after another in `NAME.bin`, and `NAME.json` with the labels of
each. Decoding 6,000 JPEG files in every epoch would take longer than the training of a small network; memory-mapped
files are shared by all loader processes.
"""

import json
import zlib
from dataclasses import asdict, dataclass, field
from pathlib import Path

import cv2
import numpy as np

FACE = 80


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
        self.path.with_suffix(".json").write_text(json.dumps([asdict(p) for p in self.pictures]))


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

    def save_labels(self) -> None:
        self.path.with_suffix(".json").write_text(json.dumps([asdict(p) for p in self.pictures]))


def open_packs(folder: Path) -> list[Pack]:
    return [Pack(path.with_suffix("")) for path in sorted(folder.glob("*.json"))]


def is_held_out(name: str, share: float) -> bool:
    """Decides by the name, so that the same pictures are held out on every machine and in every set."""
    return zlib.crc32(name.encode()) % 1000 < share * 1000


def shrunk(pixels: np.ndarray, longest_px: int) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
