"""Step 6, too: counts false alarms of a model on videos.

    false_alarms.py --carrier PROGRAM --reference MODEL [--reference MODEL ...] --model MODEL VIDEO ...

`carrier detect` follows objects in each video, as in the live feed. An object is supported in a frame if a reference model
sees one of its class there, with a score of at least REFERENCE_SCORE. A false alarm is an object of the model that is not
supported for longer than LASTS_S. The references are wrong sometimes, too: look at the times that are printed.
"""

import argparse
import json
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from teachers import iou_of

REFERENCE_SCORE = 0.1
LASTS_S = 0.3
LEAST_IOU = 0.3


@dataclass
class FalseAlarm:
    label: str
    from_s: float
    to_s: float
    box: list[float]


def detections(carrier: Path, model: str, video: Path, min_score: float | None = None) -> list[dict]:
    """One row a frame, as `carrier detect` prints them."""
    score = ["--min-score", str(min_score)] if min_score else []
    command = [carrier, "detect", "--model", model, *score, "--format", "jsonl", video]
    lines = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def is_supported(found: dict, references: list[list[dict]]) -> bool:
    boxes = [one["box"] for frame in references for one in frame if one["class"] == found["class"]]
    return bool(boxes) and iou_of(np.array([found["box"]]), np.array(boxes)).max() >= LEAST_IOU


def false_alarms(frames: list[dict], references: list[list[dict]]) -> list[FalseAlarm]:
    """Of the frames of one video; `references` are those of other models, of the same length."""
    alarms, unsupported = [], {}
    for frame, *others in zip(frames, *references):
        boxes = [other["detections"] for other in others]
        now = {(one["track"], one["class"]): one for one in frame["detections"] if not is_supported(one, boxes)}
        for key, one in now.items():
            alarm = unsupported.setdefault(key, FalseAlarm(one["class"], frame["time_s"], frame["time_s"], one["box"]))
            alarm.to_s = frame["time_s"]
        alarms += [unsupported.pop(key) for key in list(unsupported) if key not in now]
    return [alarm for alarm in alarms + list(unsupported.values()) if alarm.to_s - alarm.from_s > LASTS_S]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--carrier", type=Path, required=True)
    arguments.add_argument("--model", action="append", required=True)
    arguments.add_argument("--reference", action="append", required=True, help="one for each group of classes")
    arguments.add_argument("videos", type=Path, nargs="+")
    given = arguments.parse_args()
    count, minutes = defaultdict(int), 0.0
    for video in given.videos:
        references = [detections(given.carrier, model, video, REFERENCE_SCORE) for model in given.reference]
        for model in given.model:
            frames = detections(given.carrier, model, video)
            alarms = false_alarms(frames, references)
            count[model] += len(alarms)
            print(f"{video.name}, {frames[-1]['time_s']:.0f} s, {model}: {len(alarms)} false alarms")
            for alarm in alarms:
                print(f"    {alarm.label} from {alarm.from_s:.1f} to {alarm.to_s:.1f} s at {[round(side) for side in alarm.box]}")
        minutes += frames[-1]["time_s"] / 60
    for model, number in count.items():
        print(f"{model}: {number / minutes:.1f} false alarms a minute")


if __name__ == "__main__":
    main()
