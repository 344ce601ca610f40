#!/usr/bin/env python3
"""How detections of a real model on real clips differ from the truth: misses, false alarms, scores, jitter.

    detection_noise.py --models DIR CLIP ...      prints one row of figures for each clip, and one for all

The detector is yolox_nano. There is no annotated truth, so that

- an object is a chain of detections of one class in consecutive pictures (IoU from 0.4 on, gaps up to half a second)
  of at least a second and a median score from 0.5 on;
- its true path is a parabola through each detection's neighbours, a quarter of a second to both sides; jitter is what is
  left over, as a fraction of the square root of the box's area;
- a false alarm is a detection that belongs to no object and has no counterpart (IoU from 0.4 on, score from 0.25 on, any
  class) by nanodet_plus_m_1.5x_416, which is more accurate.

Detections begin at half of the score from which on objects are shown, as for the tracker. `after` is the correlation
with the next picture's value, for misses and false alarms the probability that the next picture has it too. The
figures at the top of `detector/src/tracker/benchmark/noise.rs` come from here.
"""

import argparse
import collections
import pathlib

import cv2
import numpy as np

from decode import Reference, iou

LEAST_SCORE, CHAIN_IOU = 0.175, 0.4
SHOWN_SCORE = 0.35


class Chain:
    def __init__(self, at: int, row: np.ndarray):
        self.rows = {at: row}
        self.last = at


def chains_of(detections: list[np.ndarray], gap: int) -> list[Chain]:
    chains: list[Chain] = []
    for at, rows in enumerate(detections):
        alive = [chain for chain in chains if at - chain.last <= gap]
        pairs = []
        for index, row in enumerate(rows):
            for chain in alive:
                known = chain.rows[chain.last]
                overlap = iou(row[:4], known[None, :4])[0]
                if known[5] == row[5] and overlap >= CHAIN_IOU:
                    pairs.append((overlap, index, chain))
        taken = set()
        for _, index, chain in sorted(pairs, key=lambda pair: -pair[0]):
            if index not in taken and chain.last != at:
                taken.add(index)
                chain.rows[at], chain.last = rows[index], at
        chains += [Chain(at, row) for index, row in enumerate(rows) if index not in taken]
    return chains


def followed(pairs: list[tuple[float, float]]) -> float:
    one, other = np.array(pairs or [(0.0, 0.0)]).T
    spread = np.sqrt((one**2).mean() * (other**2).mean())
    return float((one * other).mean() / spread) if spread > 0 else 0.0


def jitter_of(chain: Chain, half: int, into: dict) -> None:
    """Adds residuals of centre and sides, and pairs of consecutive ones."""
    before = None
    for at, row in chain.rows.items():
        near = [other for other in range(at - half, at + half + 1) if other in chain.rows]
        if len(near) < 2 * half - 1:
            before = None
            continue
        boxes = np.array([chain.rows[other][:4] for other in near])
        sides = boxes[:, 2:] - boxes[:, :2]
        values = np.column_stack([(boxes[:, :2] + boxes[:, 2:]) / 2, sides])
        size = np.sqrt(np.prod(sides, 1).mean())
        times = np.array(near) - at
        fitted = np.array([np.polyval(np.polyfit(times, column, 2), 0) for column in values.T])
        left = (values[near.index(at)] - fitted) / size
        into["centre"] += list(left[:2])
        into["side"] += list(left[2:])
        if before is not None:
            into["centre after"] += list(zip(before[:2], left[:2], strict=True))
            into["side after"] += list(zip(before[2:], left[2:], strict=True))
        before = left


def measure(clip: pathlib.Path, models: pathlib.Path, most: int, into: dict) -> None:
    detector = Reference("yolox_nano", models / "yolox_nano.onnx")
    better = Reference("nanodet_plus_m_1.5x_416", models / "nanodet_plus_m_1.5x_416.onnx")
    video, detections, others = cv2.VideoCapture(str(clip)), [], []
    fps = video.get(cv2.CAP_PROP_FPS)
    while len(detections) < most and (read := video.read())[0]:
        detections.append(detector.detect(read[1], LEAST_SCORE))
        others.append(better.detect(read[1], 0.25))
    chains = chains_of(detections, round(fps / 2))
    is_object = [
        chain.last - min(chain.rows) >= fps
        and np.median([row[4] for row in chain.rows.values()]) >= 0.5
        for chain in chains
    ]
    for chain in (chain for chain, counts in zip(chains, is_object, strict=True) if counts):
        span = range(min(chain.rows), chain.last + 1)
        missed = [at not in chain.rows for at in span]
        into["missed"] += missed
        into["missed after"] += [b for a, b in zip(missed, missed[1:], strict=False) if a]
        scores = [chain.rows[at][4] for at in span if at in chain.rows]
        middle = float(np.mean(scores))
        into["mean score"].append(middle)
        into["score"] += [score - middle for score in scores]
        into["score after"] += [
            (chain.rows[at][4] - middle, chain.rows[at + 1][4] - middle)
            for at in span
            if at in chain.rows and at + 1 in chain.rows
        ]
        jitter_of(chain, max(round(fps / 4), 2), into)
    for chain in (chain for chain, counts in zip(chains, is_object, strict=True) if not counts):
        false = [
            at
            for at, row in chain.rows.items()
            if not (len(others[at]) and iou(row[:4], others[at][:, :4]).max() >= CHAIN_IOU)
        ]
        into["false"] += [chain.rows[at][4] for at in false]
        into["false after"] += [at + 1 in chain.rows for at in false]
    into["pictures"].append(len(detections))


def row(name: str, found: dict) -> str:
    pictures, false = sum(found["pictures"]), np.array(found["false"])
    share = np.mean(false >= SHOWN_SCORE) if len(false) else 0.0
    cells = [
        name,
        f"{np.mean(found['missed']):.3f}",
        f"{np.mean(found['missed after'] or [0]):.2f}",
        f"{np.mean(found['mean score']):.2f}",
        f"{np.std(found['score']):.3f}",
        f"{followed(found['score after']):.2f}",
        f"{np.std(found['centre']):.4f}",
        f"{followed(found['centre after']):.2f}",
        f"{np.std(found['side']):.4f}",
        f"{followed(found['side after']):.2f}",
        f"{len(false) / pictures:.2f}",
        f"{share:.2f}",
        f"{np.mean(found['false after'] or [0]):.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=pathlib.Path, required=True)
    parser.add_argument("--most", type=int, default=600, help="pictures of each clip")
    parser.add_argument("clips", type=pathlib.Path, nargs="+")
    args = parser.parse_args()
    columns = "missed, after, mean score, its noise, after, centre noise, after, side noise, after"
    columns = ["clip", *columns.split(", "), "false a picture", "of these shown", "after"]
    print("| " + " | ".join(columns) + " |\n|" + " --- |" * len(columns), flush=True)
    total = collections.defaultdict(list)
    for clip in args.clips:
        found = collections.defaultdict(list)
        measure(clip, args.models, args.most, found)
        print(row(clip.stem[:24], found), flush=True)
        for key, values in found.items():
            total[key] += values
    print(row("all", total), flush=True)


if __name__ == "__main__":
    main()
