"""Step 6: evaluate exported files with the program itself.

    evaluate.py --carrier PROGRAM --work DIR --coco JUDGE/instances.json --images JUDGE/images MODEL ...

`carrier eval` measures each model (a name or a file) on the evaluation pictures, and on the held-out
training pictures, which are written as COCO files first: `face` (annotated faces) and `things` (every class,
against annotators where their labels are complete and against confident teachers elsewhere). `large` is the evaluation
pictures and `things` together, where only boxes of at least 4 % of the picture count: that is how things are held up.
Prints a table of the classes and which of them may be offered: those with at least 20 large boxes and an AP50 of at
least 40 on them. Faces are measured on `face`.
"""

import argparse
import json
import os
import shutil
import subprocess
from pathlib import Path

import cv2

from coco import COCO_80
from packs import FACE, open_packs

NAMES = [*COCO_80, "face"]
TEACHER_SURE = 0.5
LARGE, LEAST_AP50, ENOUGH_BOXES = 0.04, 0.40, 20


def write_coco(folder: Path, chosen: list, classes_of) -> Path:
    """Writes held-out pictures as PNG, and their boxes as a COCO file."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    images, boxes = [], []
    for pack, index in chosen:
        picture = pack.pictures[index]
        name = Path(picture.name).stem + ".png"
        cv2.imwrite(str(folder / "images" / name), pack.pixels(index))
        images.append({"id": len(images) + 1, "file_name": name, "width": picture.width, "height": picture.height})
        for x1, y1, x2, y2, score, label in picture.boxes:
            if score >= TEACHER_SURE and int(label) in classes_of(picture):
                boxes.append({"id": len(boxes) + 1, "image_id": len(images), "category_id": int(label), "iscrowd": 0,
                              "bbox": [x1, y1, x2 - x1, y2 - y1], "area": (x2 - x1) * (y2 - y1)})
    wanted = {box["category_id"] for box in boxes}
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES) if number in wanted]
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return path


def write_held_out(work: Path) -> dict[str, Path]:
    held_out = [(pack, index) for pack in open_packs(work / "packs")
                for index, picture in enumerate(pack.pictures) if picture.held_out]
    faces = [(pack, index) for pack, index in held_out if FACE in pack.pictures[index].complete]
    things = [(pack, index) for pack, index in held_out if FACE not in pack.pictures[index].complete]
    folder = work / "held_out"
    return {
        "face": write_coco(folder / "face", faces, lambda picture: [FACE]),
        "things": write_coco(folder / "things", things, lambda picture: range(80)),
    }


def write_large(folder: Path, sets: list[tuple[Path, Path]]) -> Path:
    """Several sets as one, where smaller boxes are neither missed nor wrong (COCO's crowds)."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "images").mkdir(parents=True)
    images, boxes = [], []
    for truth, pictures in sets:
        content = json.loads(truth.read_text())
        names = {category["id"]: category["name"] for category in content["categories"]}
        place = {}
        for image in content["images"]:
            place[image["id"]] = len(images)
            name = f"{len(images)}{Path(image['file_name']).suffix}"
            shutil.copyfile(pictures / image["file_name"], folder / "images" / name)
            images.append({"id": len(images) + 1, "file_name": name, "width": image["width"], "height": image["height"]})
        for box in content["annotations"]:
            image = images[place[box["image_id"]]]
            small = box["bbox"][2] * box["bbox"][3] < LARGE * image["width"] * image["height"]
            boxes.append({**box, "id": len(boxes) + 1, "image_id": image["id"],
                          "category_id": NAMES.index(names[box["category_id"]]), "iscrowd": int(small or box["iscrowd"])})
    categories = [{"id": number, "name": name} for number, name in enumerate(NAMES)]
    path = folder / "instances.json"
    path.write_text(json.dumps({"images": images, "annotations": boxes, "categories": categories}))
    return path


def judged(carrier: Path, model: str, truth: Path, images: Path) -> dict:
    command = [carrier, "eval", "--model", model, "--coco", truth, "--images", images, "--format", "json"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=os.environ)
    return json.loads(answer.stdout)


def boxes_by_name(truth: Path) -> dict[str, int]:
    content = json.loads(truth.read_text())
    names = {category["id"]: category["name"] for category in content["categories"]}
    count = {name: 0 for name in names.values()}
    for box in content["annotations"]:
        count[names[box["category_id"]]] += not box["iscrowd"]
    return count


def report(model: str, results: dict[str, dict], counts: dict[str, dict[str, int]]) -> None:
    judge = results["judge"]
    print(f"\n{model}: judge AP {judge['ap']:.3f} AP50 {judge['ap50']:.3f}, {judge['ms_per_image']:.1f} ms a picture")
    print(f"{'class':<16} {'judge AP':>8} {'AP50':>6} {'boxes':>6}   {'held-out AP50':>13} {'boxes':>6}   "
          f"{'large AP50':>10} {'boxes':>6}")
    offered = []
    for name in NAMES:
        held_out = "face" if name == "face" else "things"
        deciding = held_out if name == "face" else "large"
        found = {which: results[which]["classes"].get(name) for which in ("judge", held_out, deciding)}
        if not any(found.values()):
            continue
        if found[deciding] and found[deciding]["ap50"] >= LEAST_AP50 and counts[deciding].get(name, 0) >= ENOUGH_BOXES:
            offered.append(name)
        number = lambda which, what, width: f"{found[which][what]:{width}.3f}" if found[which] else "-".rjust(width)
        boxes = lambda which: f"{counts[which].get(name, 0):6}"
        print(f"{name:<16} {number('judge', 'ap', 8)} {number('judge', 'ap50', 6)} {boxes('judge')}   "
              f"{number(held_out, 'ap50', 13)} {boxes(held_out)}   {number(deciding, 'ap50', 10)} {boxes(deciding)}"
              f"{'' if name in offered else '  not good enough'}")
    print("may be offered:", " ".join(f'"{name}"' for name in offered))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--carrier", type=Path, required=True)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--coco", type=Path, required=True)
    arguments.add_argument("--images", type=Path, required=True)
    arguments.add_argument("models", nargs="+")
    given = arguments.parse_args()
    sets = {"judge": (given.coco, given.images)}
    for name, truth in write_held_out(given.work).items():
        sets[name] = (truth, truth.with_name("images"))
    large = write_large(given.work / "held_out" / "large", [sets["judge"], sets["things"]])
    sets["large"] = (large, large.with_name("images"))
    counts = {name: boxes_by_name(truth) for name, (truth, _) in sets.items()}
    for model in given.models:
        results = {name: judged(given.carrier, model, *paths) for name, paths in sets.items()}
        (given.work / f"results.{Path(model).stem}.json").write_text(json.dumps(results, indent=1))
        report(model, results, counts)


if __name__ == "__main__":
    main()
