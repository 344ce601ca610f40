"""Step 2: teachers label the classes that are not annotated.

    pseudo_label.py --models DIR --work DIR

NanoDet-Plus 1.5x and DEIMv2 femto run on every picture and its mirror image; their boxes are fused
(see teachers.fuse) and keep their score, if it is at least 0.1. YuNet does the same for faces. A teacher's box
is dropped where it overlaps an annotator's box of its class, and for classes that are labelled completely.
Labels are saved every 100 pictures, in an order that mixes all sources: the script can be stopped and started again,
and training can begin with what is labelled. Those of the pictures of a release are in teacher_labels.json.xz, which
`--write` makes from the packs.
"""

import argparse
import json
import lzma
import sys
import time
import zlib
from multiprocessing import Pool
from pathlib import Path

import numpy as np

from dataset import DOUBTED
from packs import FACE, UNLABELLED, Pack, Picture, open_packs, save_labels
from pause import wait_while_paused
from teachers import DeimV2, NanoDetPlus, YuNet, fuse, iou_of, mirrored

LEAST_SCORE = 0.1
TEACHER_LABELS = Path(__file__).with_name("teacher_labels.json.xz")
# Before fusing: an uncertain view still counts where another one is certain.
LEAST_VIEW_SCORE = 0.05
SAVE_EVERY = 100  # pictures

teachers: dict = {}


def start(models: Path) -> None:
    # One process a core with one thread each, so that they do not compete.
    teachers["things"] = [
        NanoDetPlus(models / "nanodet_plus_m_1.5x_416.onnx", 416, threads=1),
        DeimV2(models / "deimv2_hgnetv2_femto_coco.onnx", 416, threads=1),
    ]
    teachers["faces"] = [YuNet(models / "yunet_n_640_640.onnx", 640, threads=1)]


def opinions(job: tuple[Path, int]) -> np.ndarray:
    wait_while_paused(job[0].parent.parent)
    pixels = packs_here(job[0]).pixels(job[1])
    found = []
    for group, iou in (("things", 0.6), ("faces", 0.5)):
        views = []
        for teacher in teachers[group]:
            views += [teacher(pixels, LEAST_VIEW_SCORE), mirrored(teacher, pixels, LEAST_VIEW_SCORE)]
        found.append(fuse(views, iou))
    rows = np.concatenate(found)
    return rows[rows[:, 4] >= LEAST_SCORE]


opened: dict[Path, Pack] = {}


def packs_here(path: Path) -> Pack:
    if path not in opened:
        opened[path] = Pack(path)
    return opened[path]


def merged(picture: Picture, rows: np.ndarray) -> list[list[float]]:
    """The annotators' boxes, and the teachers' for the classes that are not annotated."""
    own = np.array([box for box in picture.boxes if box[4] == 1.0], np.float32).reshape(-1, 6)
    rows = rows[~np.isin(rows[:, 5], picture.complete)]
    if len(own) and len(rows):
        same = rows[:, None, 5] == own[None, :, 5]
        rows = rows[~((iou_of(rows, own) > 0.45) & same).any(1)]
    limit = np.array([picture.width, picture.height] * 2, np.float32)
    rows[:, :4] = np.clip(rows[:, :4], 0, limit)
    # Below 1, which marks an annotator's box.
    rows[:, 4] = np.minimum(rows[:, 4], 0.99)
    return np.concatenate([own, rows]).round(3).tolist()


def write_teacher_labels(work: Path, file: Path) -> int:
    """All labels of teachers that training uses, in whole pixels and hundredths; gives the number of boxes."""
    rows_of = lambda picture: [[*(round(side) for side in row[:4]), round(row[4] * 100), int(row[5])]
                               for row in picture.boxes if DOUBTED <= row[4] < 1]
    kept = {pack.path.name: {picture.name: rows_of(picture) for picture in pack.pictures if picture.labelled}
            for pack in open_packs(work / "packs")}
    file.write_bytes(lzma.compress(json.dumps(kept, separators=(",", ":")).encode(), preset=9))
    return sum(len(rows) for pictures in kept.values() for rows in pictures.values())


def read_teacher_labels(work: Path, file: Path = TEACHER_LABELS) -> int:
    """Labels what `file` has labels for and is not labelled; gives the number of pictures."""
    kept = json.loads(lzma.decompress(file.read_bytes()))
    count = 0
    for pack in open_packs(work / "packs"):
        labels = kept.get(pack.path.name, {})
        for picture in pack.pictures:
            if not picture.labelled and picture.name in labels:
                own = [row for row in picture.boxes if row[4] == 1.0]
                picture.boxes = own + [[*row[:4], row[4] / 100, row[5]] for row in labels[picture.name]]
                picture.labelled = True
                count += 1
        save_labels(pack.path, pack.pictures)
    return count


def label(models: Path, work: Path, workers: int = 2) -> None:
    packs = open_packs(work / "packs")
    jobs = [(pack.path, index) for pack in packs if pack.path.name != UNLABELLED
            for index, picture in enumerate(pack.pictures) if not picture.labelled]
    jobs.sort(key=lambda job: zlib.crc32(f"{job[0].name} {job[1]}".encode()))
    of = {pack.path: pack for pack in packs}
    began = time.monotonic()
    with Pool(workers, start, (models,)) as pool:
        for number, (job, rows) in enumerate(zip(jobs, pool.imap(opinions, jobs, chunksize=8)), 1):
            picture = of[job[0]].pictures[job[1]]
            picture.boxes, picture.labelled = merged(picture, rows), True
            if number % SAVE_EVERY == 0 or number == len(jobs):
                for pack in packs:
                    save_labels(pack.path, pack.pictures)
                left_min = (len(jobs) - number) * (time.monotonic() - began) / number / 60
                print(f"{number} of {len(jobs)}, {left_min:.1f} min left", file=sys.stderr)
    for pack in packs:
        boxes = [box for picture in pack.pictures for box in picture.boxes]
        faces = sum(box[5] == FACE for box in boxes)
        print(f"{pack.path.name}: {len(pack.pictures)} pictures, {len(boxes)} boxes, {faces} of them faces")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    what = arguments.add_mutually_exclusive_group(required=True)
    what.add_argument("--models", type=Path, help="the folder of the teachers, which label what is not labelled")
    what.add_argument("--write", type=Path, metavar="FILE", help=f"write all labels in the form of {TEACHER_LABELS.name}")
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    if given.write:
        print(f"{write_teacher_labels(given.work, given.write)} boxes, {given.write.stat().st_size} bytes")
    else:
        label(given.models, given.work, given.workers)


if __name__ == "__main__":
    main()
