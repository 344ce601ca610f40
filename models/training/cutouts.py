"""Step 3: cut out things that people hold up, to be pasted in front of others.

    cutouts.py --work DIR

Takes the boxes of HELD, an annotator's or a sure teacher's, in pictures that are not held out. GrabCut (Rother et al.,
2004) separates the thing from what is around its box; a mask that fills the box too little or too much, falls apart, or
does not reach the box's sides is refused. Written to `cutouts.npz`: BGR and mask, SIDE_PX high and wide.
"""

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from coco import COCO_80
from packs import Picture, open_packs
from pause import wait_while_paused
from teachers import iou_of

HELD = ("bottle", "cup", "cell phone", "book", "laptop", "banana", "apple", "teddy bear", "scissors", "keyboard", "mouse",
        "clock")
SIDE_PX = 128
SURE = 0.5
LEAST_SIDE_PX, MARGIN = 28, 0.3
# The share of the box that the mask fills, and of the mask that its largest piece has.
LEAST_FILLED, MOST_FILLED, LEAST_WHOLE = 0.3, 0.95, 0.85
ROUNDS = 4


def candidates(picture: Picture) -> np.ndarray:
    """Boxes of held things that are whole, large enough and free of other things (people may overlap)."""
    rows = np.array(picture.boxes, np.float32).reshape(-1, 6)
    rows = rows[rows[:, 4] >= SURE]
    things = rows[rows[:, 5] != COCO_80.index("person")]
    alone = (iou_of(rows, things) > 0.1).sum(1) <= 1
    inside = (rows[:, :2] > 1).all(1) & (rows[:, 2] < picture.width - 1) & (rows[:, 3] < picture.height - 1)
    large = (rows[:, 2:4] - rows[:, :2]).min(1) >= LEAST_SIDE_PX
    return rows[alone & inside & large & np.isin(rows[:, 5], [COCO_80.index(name) for name in HELD])]


def cut_out(pixels: np.ndarray, box: np.ndarray) -> np.ndarray | None:
    """BGR and mask of the thing in the box, or None where the mask cannot be right."""
    x1, y1, x2, y2 = box.round().astype(int)
    margin_x, margin_y = max(4, int((x2 - x1) * MARGIN)), max(4, int((y2 - y1) * MARGIN))
    left, top = max(0, x1 - margin_x), max(0, y1 - margin_y)
    crop = np.ascontiguousarray(pixels[top : y2 + margin_y, left : x2 + margin_x])
    mask = np.zeros(crop.shape[:2], np.uint8)
    rectangle = (x1 - left, y1 - top, x2 - x1, y2 - y1)
    cv2.setRNGSeed(1)
    cv2.grabCut(crop, mask, rectangle, np.zeros((1, 65)), np.zeros((1, 65)), ROUNDS, cv2.GC_INIT_WITH_RECT)
    mask = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return None
    largest = 1 + stats[1:, cv2.CC_STAT_AREA].argmax()
    x, y, width, height, area = stats[largest]
    filled = area / ((x2 - x1) * (y2 - y1))
    whole = area / mask.sum()
    reaches = width >= 0.85 * (x2 - x1) and height >= 0.85 * (y2 - y1)
    if not (LEAST_FILLED <= filled <= MOST_FILLED and whole >= LEAST_WHOLE and reaches):
        return None
    # Holes are filled: they are mostly reflections.
    outline, _ = cv2.findContours((pieces == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    alpha = cv2.drawContours(np.zeros_like(mask), outline, -1, 255, cv2.FILLED)
    both = np.dstack([crop, alpha])[y : y + height, x : x + width]
    return cv2.resize(both, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR)


def write_cutouts(work: Path) -> None:
    cut, labels, aspects, tried = [], [], [], 0
    for pack in open_packs(work / "packs"):
        for index, picture in enumerate(pack.pictures):
            if picture.held_out or picture.source in ("clip", "scene"):
                continue
            for box in candidates(picture):
                wait_while_paused(work)
                tried += 1
                found = cut_out(pack.pixels(index), box[:4])
                if found is not None:
                    cut.append(found)
                    labels.append(int(box[5]))
                    aspects.append((box[2] - box[0]) / (box[3] - box[1]))
    np.savez(work / "cutouts.npz", cut=np.array(cut, np.uint8).reshape(-1, SIDE_PX, SIDE_PX, 4),
             label=np.array(labels, np.int64), aspect=np.array(aspects, np.float32))
    count = ", ".join(f"{COCO_80[label]} {number}" for label, number in Counter(labels).most_common())
    print(f"{len(cut)} of {tried} boxes cut out: {count}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    write_cutouts(arguments.parse_args().work)


if __name__ == "__main__":
    main()
