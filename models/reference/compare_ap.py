#!/usr/bin/env python3
"""AP of each COCO model by `carrier eval` and by the reference in `decode.py` with pycocotools, side by side.

    compare_ap.py --carrier target/debug/carrier --models DIR --coco instances.json --images DIR [NAME ...]

Needs numpy, opencv-python, onnxruntime and pycocotools. The exit code is 1 when an AP differs by more than 0.3 (of
100), or `carrier eval` fails. Models for faces are not COCO models: they are compared detection by detection
(`cargo test -p detector --test it expected`).
"""

import argparse
import contextlib
import io
import json
import os
import pathlib
import subprocess
import sys

import cv2
import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from decode import CONTRACTS, Reference

MOST_DIFFERENCE = 0.3


def of_reference(name: str, args) -> tuple[float, float]:
    """AP and AP50 of 100."""
    truth = silently(COCO, str(args.coco))
    reference = Reference(name, args.models / f"{name}.onnx")
    results = []
    for image in truth.dataset["images"]:
        picture = cv2.imread(str(args.images / image["file_name"]))
        for x1, y1, x2, y2, score, label in reference.detect(picture):
            box = [x1, y1, x2 - x1, y2 - y1]
            results.append(
                {"image_id": image["id"], "category_id": int(label), "bbox": box, "score": score}
            )
    evaluation = silently(COCOeval, truth, silently(truth.loadRes, results), "bbox")
    for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
        silently(step)
    return tuple(100 * np.array(evaluation.stats[:2]))


def silently(function, *args):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*args)


def of_carrier(name: str, args) -> tuple[float, float]:
    command = [args.carrier.resolve(), "eval", "--model", name, "--coco", args.coco]
    command += ["--images", args.images, "--format", "json"]
    environment = os.environ | {"CARRIER_MODELS": str(args.models)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    report = json.loads(done.stdout)
    return 100 * report["ap"], 100 * report["ap50"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("carrier", "models", "coco", "images"):
        parser.add_argument(f"--{option}", type=pathlib.Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all, when there is none")
    args = parser.parse_args()
    print("| model | carrier AP | reference AP | difference | carrier AP50 | reference AP50 |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |", flush=True)
    worst = 0.0
    for name in args.names or CONTRACTS:
        (ap, ap_50), (known, known_50) = of_carrier(name, args), of_reference(name, args)
        worst = max(worst, abs(ap - known))
        cells = [name, *(f"{value:.2f}" for value in (ap, known))]
        cells += [f"{ap - known:+.2f}", f"{ap_50:.2f}", f"{known_50:.2f}"]
        print("|", " | ".join(cells), "|", flush=True)
    return int(worst > MOST_DIFFERENCE)


if __name__ == "__main__":
    sys.exit(main())
