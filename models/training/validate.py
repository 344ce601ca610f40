"""Validation on the held-out pictures during training.

People and faces are measured on the pictures that are labelled completely for them; all other classes on all pictures,
against confident teachers where there are no annotations, which is less reliable.
"""

import contextlib
import io
from pathlib import Path

import cv2
import numpy as np
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from dataset import Classes, to_tensor
from network import BINS, Detector, boxes_at, priors, reach
from packs import FACE, Pack, Picture, held_out_share, open_packs, part_of
from pause import wait_while_paused
from teachers import nms

LEAST_SCORE, MOST_BOXES, NMS_IOU = 0.01, 100, 0.5
TEACHER_SURE = 0.5
PERSON = 0


@torch.no_grad()
def detect(model: Detector, pixels: np.ndarray, size: tuple[int, int], classes: int) -> np.ndarray:
    """Rows `[x1, y1, x2, y2, score, class]` in pixels of the picture, one class a cell as in the
    program."""
    height, width = size
    device = next(model.parameters()).device
    stretched = torch.from_numpy(cv2.resize(pixels, (width, height)))[None].to(device)
    answer = model(to_tensor(stretched))[0].float().cpu()
    score, label = answer[:, :classes].sigmoid().max(1)
    kept = torch.nonzero(score >= LEAST_SCORE).flatten()
    boxes = boxes_at(priors(height, width)[kept], reach(answer[kept, classes:].T).T)
    rows = torch.cat([boxes, score[kept, None], label[kept, None].float()], 1).numpy()
    rows = nms(rows, NMS_IOU)
    rows[:, [0, 2]] = np.clip(rows[:, [0, 2]] * pixels.shape[1] / width, 0, pixels.shape[1])
    rows[:, [1, 3]] = np.clip(rows[:, [1, 3]] * pixels.shape[0] / height, 0, pixels.shape[0])
    return rows[np.argsort(-rows[:, 4])][:MOST_BOXES]


def is_like_held_out(picture: Picture) -> bool:
    """As many trained pictures of each source as are held out, to see how much better they are known."""
    return not picture.held_out and part_of(picture.name) >= 1 - held_out_share(picture.complete)


def chosen(packs: list[Pack], classes: Classes, choose) -> list[tuple[np.ndarray, np.ndarray, set[int]]]:
    """Pixels, true boxes (with the network's class numbers) and the classes to measure, of each chosen picture."""
    found = []
    for pack in packs:
        for index, picture in enumerate(pack.pictures):
            if not choose(picture):
                continue
            judged = {place for place, number in enumerate(classes.ids)
                      if number in picture.complete or picture.labelled and number not in (PERSON, FACE)}
            rows = classes.own(picture.boxes)
            rows = rows[(rows[:, 4] >= TEACHER_SURE) & np.isin(rows[:, 5], list(judged))]
            found.append((pack.pixels(index), rows, judged))
    return found


def average_precision(truths: list, answers: list[np.ndarray], classes: Classes) -> dict[str, dict]:
    """Each class's AP, AP50 and number of boxes, as pycocotools computes them."""
    images = [{"id": index + 1} for index in range(len(truths))]
    boxes = [
        {"id": 0, "image_id": index + 1, "category_id": int(row[5]), "iscrowd": 0, "score": float(row[4]),
         "bbox": [float(row[0]), float(row[1]), float(row[2] - row[0]), float(row[3] - row[1])],
         "area": float((row[2] - row[0]) * (row[3] - row[1]))}
        for index, (_, rows, _) in enumerate(truths) for row in rows
    ]
    for number, box in enumerate(boxes):
        box["id"] = number + 1
    found = [
        {"image_id": index + 1, "category_id": int(row[5]), "score": float(row[4]),
         "bbox": [float(row[0]), float(row[1]), float(row[2] - row[0]), float(row[3] - row[1])]}
        for index, rows in enumerate(answers) for row in rows
    ]
    result = {}
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        categories = [{"id": number, "name": name} for number, name in enumerate(classes.names)]
        coco.dataset = {"images": images, "annotations": boxes, "categories": categories}
        coco.createIndex()
        results = coco.loadRes(found) if found else COCO()
        for number, name in enumerate(classes.names):
            judge = COCOeval(coco, results, "bbox")
            judge.params.catIds = [number]
            judge.params.imgIds = [index + 1 for index, (_, _, judged) in enumerate(truths) if number in judged]
            judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
            judge.evaluate()
            judge.accumulate()
            precision = judge.eval["precision"][:, :, 0, 0, -1]
            count = sum(int(row[5]) == number for _, rows, _ in truths for row in rows)
            result[name] = {"ap": float(precision.mean()), "ap50": float(precision[0].mean()), "boxes": count}
    return result


def validate(model: Detector, work: Path, classes: Classes, size: tuple[int, int],
             choose=lambda picture: picture.held_out) -> dict[str, dict]:
    truths = chosen(open_packs(work / "packs"), classes, choose)
    model.eval()
    answers = []
    for pixels, _, _ in truths:
        wait_while_paused(work)
        answers.append(detect(model, pixels, size, len(classes.names)))
    return average_precision(truths, answers, classes)
