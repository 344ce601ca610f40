"""Step 1: collect the pictures in packs.

    prepare.py --annotated TRAIN.json --images DIR [--clip FILE ...] [--scene DIR] --work DIR [--only N]

`annotated` is a COCO file whose pictures name in `labelled_completely_for` the classes whose objects all have a box.
Of a clip, one frame every half second is taken. `--scene` is a folder of frames of carrier's built-in scene (see
pack_scene). A twentieth of all pictures is held out, and a tenth of those with faces.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np

from coco import COCO_80
from packs import PackWriter, Picture, held_out_share, is_held_out, shrunk

LONGEST_PX = 352
CLIP_STEP_S = 0.5


def pack_annotated(annotations: Path, images: Path, work: Path, only: int | None) -> int:
    truth = json.loads(annotations.read_text())
    boxes_of = defaultdict(list)
    for box in truth["annotations"]:
        x, y, width, height = box["bbox"]
        boxes_of[box["image_id"]].append([x, y, x + width, y + height, 1.0, box["category_id"]])
    entries = truth["images"]
    if only:
        entries = entries[:: max(1, len(entries) // only)][:only]
    writer = PackWriter(work, "annotated")
    for entry in entries:
        pixels = cv2.imread(str(images / entry["file_name"]), cv2.IMREAD_COLOR)
        if pixels is None:
            raise SystemExit(f"{images / entry['file_name']} cannot be read as a picture")
        height, width = pixels.shape[:2]
        complete = entry["labelled_completely_for"]
        held_out = is_held_out(entry["file_name"], held_out_share(complete))
        boxes = boxes_of[entry["id"]]
        writer.add(pixels, Picture(entry["file_name"], entry["source"], width, height,
                                   held_out=held_out, complete=complete, boxes=boxes))
    writer.close()
    return len(writer.pictures)


def pack_clips(clips: list[Path], work: Path, only: int | None) -> int:
    writer = PackWriter(work, "clips")
    for clip in clips:
        capture = cv2.VideoCapture(str(clip))
        step = max(1, round((capture.get(cv2.CAP_PROP_FPS) or 30) * CLIP_STEP_S))
        index = 0
        while only is None or index < only * step:
            read, pixels = capture.read()
            if not read:
                break
            if index % step == 0:
                pixels = shrunk(pixels, LONGEST_PX)
                height, width = pixels.shape[:2]
                writer.add(pixels, Picture(f"{clip.stem}.{index}", "clip", width, height))
            index += 1
        if index == 0:
            raise SystemExit(f"{clip} cannot be read as a video")
    writer.close()
    return len(writer.pictures)


def pack_scene(folder: Path, work: Path) -> int:
    """Frames that `SCENE_DUMP=DIR cargo test -p capture -- --ignored scene::tests::dump` wrote: raw
    I420 of 1280 x 720, labelled completely."""
    writer = PackWriter(work, "scene")
    for name, things in json.loads((folder / "truth.json").read_text()).items():
        planes = np.fromfile(folder / name, np.uint8).reshape(720 * 3 // 2, 1280)
        whole = cv2.cvtColor(planes, cv2.COLOR_YUV2BGR_I420)
        pixels = shrunk(whole, LONGEST_PX)
        height, width = pixels.shape[:2]
        scale = width / whole.shape[1]
        boxes = [[*(side * scale for side in box), 1.0, COCO_80.index(label)] for label, box in things]
        # The scene lists all of its objects, so that other classes are absent.
        writer.add(pixels, Picture(name, "scene", width, height, complete=list(range(81)), labelled=True, boxes=boxes))
    writer.close()
    return len(writer.pictures)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--annotated", type=Path, required=True)
    arguments.add_argument("--images", type=Path, required=True)
    arguments.add_argument("--clip", type=Path, nargs="*", default=[])
    arguments.add_argument("--scene", type=Path)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--only", type=int, help="so many pictures, spread over all sources (for a smoke run)")
    given = arguments.parse_args()
    packs = given.work / "packs"
    count = pack_annotated(given.annotated, given.images, packs, given.only)
    print(f"{count} annotated pictures")
    if given.clip:
        print(f"{pack_clips(given.clip, packs, given.only and 5)} frames of {len(given.clip)} clips")
    if given.scene:
        print(f"{pack_scene(given.scene, packs)} frames of the scene")


if __name__ == "__main__":
    main()
