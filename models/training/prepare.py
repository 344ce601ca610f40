"""Step 1: collect the pictures in packs.

    prepare.py pack --annotated TRAIN.json --images DIR [--clip FILE ...] [--scene DIR] --work DIR [--only N]
    prepare.py rebuild --root DIR [--scene DIR] [--repositories DIR] [--judge DIR] --work DIR
    prepare.py hash --root DIR

`annotated` is a COCO file whose pictures name in `labelled_completely_for` the classes whose objects all have a box.
Of a clip, one frame every half second is taken. `--scene` is a folder of frames of carrier's built-in scene (see
pack_scene). A twentieth of all pictures is held out, and a tenth of those with faces.

`rebuild` makes the whole data set of a release: it compares every file below `--root` with origins.json, then packs,
labels and cuts out (steps 1 to 3). With `--repositories` also the pictures of public_pictures.json and
unlabelled_pictures.json, of the latter none that resembles one that is held out or in the folder `--judge`. `hash` writes
the number and the hash of the files that are there into the list of origins.
"""

import argparse
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from coco import COCO_80
from cutouts import write_cutouts
from packs import PackWriter, Picture, held_out_share, is_held_out, open_packs, shrunk
from pseudo_label import TEACHER_LABELS, label, read_teacher_labels
from public_pictures import Known, pack_public, pack_unlabelled, read_list, read_unlabelled_list

ORIGINS = Path(__file__).with_name("origins.json")
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


def content_of(root: Path, files: str) -> tuple[int, str]:
    """How many files match, and the hash of the lines that sha256sum prints for them, sorted by name."""
    found = sorted(root.glob(files))
    lines = (f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in found)
    return len(found), hashlib.sha256("".join(lines).encode()).hexdigest()


def check_origins(root: Path, origins: list[dict]) -> None:
    """Fails with the names of all sets that differ: one at a time would take as many attempts."""
    differ = [origin["files"] for origin in origins
              if content_of(root, origin["files"]) != (origin["count"], origin["sha256"])]
    if differ:
        raise SystemExit(f"not the files of {ORIGINS.name} below {root}: {', '.join(differ)}")


def pack(annotated: Path, images: Path, clips: list[Path], scene: Path | None, work: Path, only: int | None = None) -> None:
    packs = work / "packs"
    print(f"{pack_annotated(annotated, images, packs, only)} annotated pictures")
    if clips:
        print(f"{pack_clips(clips, packs, only and 5)} frames of {len(clips)} clips")
    if scene:
        print(f"{pack_scene(scene, packs)} frames of the scene")


def judging(packs: Path, judge: Path | None) -> Iterator[np.ndarray]:
    """The pictures that are held out, and those of a folder."""
    for pack in open_packs(packs):
        yield from (pack.pixels(index) for index, picture in enumerate(pack.pictures) if picture.held_out)
    for path in sorted(judge.glob("*.jpg")) if judge else ():
        yield cv2.imread(str(path), cv2.IMREAD_COLOR)


def rebuild(root: Path, scene: Path | None, repositories: Path | None, judge: Path | None, work: Path) -> None:
    origins = json.loads(ORIGINS.read_text())
    check_origins(root, origins)
    files = lambda use: [root / origin["files"] for origin in origins if origin["use"] == use]
    # An interrupted labelling goes on; interrupted packing starts again.
    if not (work / "packs").exists():
        pack(files("annotations")[0], files("pictures")[0].parent, files("clip"), scene, work / "packing")
        packs = work / "packing" / "packs"
        if repositories:
            print(f"{pack_public(read_list(), repositories, packs, LONGEST_PX)} public pictures")
            known = Known(judging(packs, judge))
            count = pack_unlabelled(read_unlabelled_list(), repositories, packs, LONGEST_PX, known)
            print(f"{count} pictures without labels")
        packs.rename(work / "packs")
    print(f"{read_teacher_labels(work)} pictures have their labels from {TEACHER_LABELS.name}")
    label(files("teacher")[0].parent, work)
    write_cutouts(work)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    command = arguments.add_subparsers(dest="command", required=True)
    packing, rebuilding, hashing = (command.add_parser(name) for name in ("pack", "rebuild", "hash"))
    packing.add_argument("--annotated", type=Path, required=True)
    packing.add_argument("--images", type=Path, required=True)
    packing.add_argument("--clip", type=Path, nargs="*", default=[])
    packing.add_argument("--only", type=int, help="so many pictures, spread over all sources (for a smoke run)")
    for parser in (rebuilding, hashing):
        parser.add_argument("--root", type=Path, required=True, help="the folder below which origins.json names the files")
    rebuilding.add_argument("--repositories", type=Path, help="the folder with clones of those that the two lists name")
    rebuilding.add_argument("--judge", type=Path, help="a folder of pictures that judge, which must not be trained on")
    for parser in (packing, rebuilding):
        parser.add_argument("--scene", type=Path)
        parser.add_argument("--work", type=Path, required=True)
    given = arguments.parse_args()
    if given.command == "pack":
        pack(given.annotated, given.images, given.clip, given.scene, given.work, given.only)
    elif given.command == "rebuild":
        rebuild(given.root, given.scene, given.repositories, given.judge, given.work)
    else:
        origins = json.loads(ORIGINS.read_text())
        for origin in origins:
            origin["count"], origin["sha256"] = content_of(given.root, origin["files"])
        ORIGINS.write_text("[\n" + ",\n".join(json.dumps(origin) for origin in origins) + "\n]\n")


if __name__ == "__main__":
    main()
