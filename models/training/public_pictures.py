"""The pictures of public repositories: those that public_pictures.json names, for the pack `public`, and those that
unlabelled_pictures.json describes by patterns, for the pack `unlabelled`, from which only distillation learns.

They are read from clones in a folder of their own, `OWNER+NAME` each, bare or not: nothing is downloaded here. The commit
names the content, so that no hash is needed beside it.
"""

import json
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from coco import COCO_80
from packs import FACE, UNLABELLED, PackWriter, Picture, shrunk

LIST = Path(__file__).with_name("public_pictures.json")
UNLABELLED_LIST = Path(__file__).with_name("unlabelled_pictures.json")
# Correlation of thumbnails from which two pictures are taken for copies of one.
ALIKE = 0.95


@dataclass
class Origin:
    """One repository."""

    prefix: str
    repository: str
    commit: str
    licence: str
    licence_file: str
    what: str


@dataclass
class Set(Origin):
    """Pictures of one repository."""

    # `NUMBER PATH`; the number makes the name.
    files: list[str]
    # The number of a class in the label file beside each picture, and which class that is. All of its objects are
    # labelled.
    complete: dict[str, str]

    @property
    def classes(self) -> dict[int, int]:
        number = lambda name: FACE if name == "face" else COCO_80.index(name)
        return {int(there): number(name) for there, name in self.complete.items()}


@dataclass
class UnlabelledSet(Origin):
    """All pictures of one repository whose path matches `pattern`, a regular expression."""

    pattern: str


def read_list(path: Path = LIST) -> list[Set]:
    return [Set(**row) for row in json.loads(path.read_text())]


def read_unlabelled_list(path: Path = UNLABELLED_LIST) -> list[UnlabelledSet]:
    return [UnlabelledSet(**row) for row in json.loads(path.read_text())]


def clone_of(one: Origin, repositories: Path) -> Path:
    folder = repositories / one.repository.replace("/", "+")
    if not folder.is_dir():
        raise SystemExit(f"{folder} is missing: clone the repository {one.repository} there")
    return folder


class Repository:
    """Reads files of one commit. `with` ends its git process."""

    def __init__(self, folder: Path, commit: str):
        self.folder, self.commit = folder, commit
        self.git = subprocess.Popen(["git", "-C", str(folder), "cat-file", "--batch"],
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self) -> "Repository":
        return self

    def __exit__(self, *_) -> None:
        self.git.stdin.close()
        self.git.stdout.close()
        self.git.wait()

    def read(self, path: str) -> bytes:
        self.git.stdin.write(f"{self.commit}:{path}\n".encode())
        self.git.stdin.flush()
        head = self.git.stdout.readline().split()
        if len(head) != 3 or head[1] != b"blob":
            raise SystemExit(f"{self.folder} has no file {path} at commit {self.commit}; fetch that commit")
        content = self.git.stdout.read(int(head[2]))
        self.git.stdout.read(1)
        return content


def thumbnail(pixels: np.ndarray) -> np.ndarray:
    """16 x 16 grey values without their mean and contrast, to find copies of a picture in other sizes and qualities."""
    small = cv2.resize(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), (16, 16), interpolation=cv2.INTER_AREA).astype(np.float32)
    small -= small.mean()
    return (small / max(1e-6, np.linalg.norm(small))).ravel()


class Known:
    """Pictures that must not be trained on: those that judge."""

    def __init__(self, pictures: Iterable[np.ndarray]):
        self.thumbnails = np.array([thumbnail(pixels) for pixels in pictures], np.float32).reshape(-1, 256)

    def __contains__(self, pixels: np.ndarray) -> bool:
        return bool((self.thumbnails @ thumbnail(pixels) > ALIKE).any())


def pack_unlabelled(sets: list[UnlabelledSet], repositories: Path, packs: Path, longest_px: int, known: Known) -> int:
    writer = PackWriter(packs, UNLABELLED)
    for one in sets:
        folder = clone_of(one, repositories)
        listed = subprocess.run(["git", "-C", folder, "ls-tree", "-r", "--name-only", "-z", one.commit],
                                stdout=subprocess.PIPE, check=True).stdout.decode().split("\0")
        paths = [path for path in listed if re.fullmatch(one.pattern, path)]
        with Repository(folder, one.commit) as repository:
            for number, path in enumerate(paths):
                pixels = cv2.imdecode(np.frombuffer(repository.read(path), np.uint8), cv2.IMREAD_COLOR)
                if pixels is None or pixels in known:
                    continue
                pixels = shrunk(pixels, longest_px)
                height, width = pixels.shape[:2]
                name, source = f"unlabelled_{one.prefix}_{number:05}.jpg", f"unlabelled_{one.prefix}"
                writer.add(pixels, Picture(name, source, width, height))
    writer.close()
    return len(writer.pictures)


def labels_path(picture: str) -> str:
    """The label file of `.../images/NAME.jpg`, in the layout of YOLO data sets."""
    return re.sub(r"images/([^/]*)\.[^/.]*$", r"labels/\1.txt", picture)


def boxes_of(labels: str, classes: dict[int, int], width: int, height: int) -> list[list[float]]:
    """The boxes `[x1, y1, x2, y2, score, class]` of lines `CLASS X Y WIDTH HEIGHT` (centres; shares of the picture)."""
    boxes = []
    for line in labels.splitlines():
        label, *values = line.split()
        if int(label) in classes and len(values) == 4:
            x, y, w, h = map(float, values)
            corners = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
            boxes.append([*corners, 1.0, classes[int(label)]])
    return boxes


def pack_public(sets: list[Set], repositories: Path, packs: Path, longest_px: int) -> int:
    writer = PackWriter(packs, "public")
    for one in sets:
        with Repository(clone_of(one, repositories), one.commit) as repository:
            for number, path in (file.split(" ", 1) for file in one.files):
                pixels = cv2.imdecode(np.frombuffer(repository.read(path), np.uint8), cv2.IMREAD_COLOR)
                if pixels is None:
                    raise SystemExit(f"{path} of {one.repository} cannot be read as a picture")
                pixels = shrunk(pixels, longest_px)
                height, width = pixels.shape[:2]
                complete = sorted(one.classes.values())
                labels = repository.read(labels_path(path)).decode() if complete else ""
                boxes = boxes_of(labels, one.classes, width, height)
                name = f"{one.prefix}_{number}.jpg"
                # None is held out: nearly all of their boxes are the teachers'.
                writer.add(pixels, Picture(name, f"public_{one.prefix}", width, height, complete=complete, boxes=boxes))
    writer.close()
    return len(writer.pictures)
