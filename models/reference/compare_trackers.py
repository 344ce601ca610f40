#!/usr/bin/env python3
"""carrier's tracker beside ByteTrack, OC-SORT and Norfair, on the same detections.

    cargo test -p detector --lib benchmark -- --ignored     writes the sequences to target/tracking
    compare_trackers.py target/tracking                             prints the table

Needs numpy, trackers (Roboflow's ByteTrack and OC-SORT), norfair and trackeval. MOTA, IDF1 and HOTA are TrackEval's own, of
the pictures with detections, summed over the sequences as TrackEval combines them. The painted IoU is that of every
picture at 30 a second, after the delay of detection: the mean over true and painted boxes, 0 for those without a
counterpart. Norfair predicts between detections by itself; the boxes of ByteTrack and OC-SORT stand still or go on at
their last speed, whichever is better over all sequences.

Each of the others gets the best (by HOTA, over all rates) of the parameters in `CANDIDATES`, their defaults among them;
carrier's tracker runs as in the program. Objects that nobody can see count neither way, in the ground truth or where
they are found.
"""

import argparse
import configparser
import contextlib
import dataclasses
import io
import itertools
import pathlib

import numpy as np
import trackeval
from scipy.optimize import linear_sum_assignment

RATES = (30, 10, 5)
MATCH_IOU = 0.5
Boxes = dict[int, np.ndarray]  # number to [x1, y1, x2, y2]


@dataclasses.dataclass
class Sequence:
    name: str
    frames: int
    every: int
    late: int
    truth: list[Boxes]
    hidden: list[Boxes]
    detections: list[np.ndarray]  # [x1, y1, x2, y2, score], of every picture
    ours: dict[str, list[Boxes]]  # tracked and painted

    @property
    def detected(self) -> range:
        return range(0, self.frames, self.every)


def rows_of(file: pathlib.Path) -> np.ndarray:
    rows = np.loadtxt(file, delimiter=",", ndmin=2)
    return rows if rows.size else np.zeros((0, 10))


def boxes_of(rows: np.ndarray, frames: int) -> list[Boxes]:
    found: list[Boxes] = [{} for _ in range(frames)]
    for row in rows:
        found[int(row[0]) - 1][int(row[1])] = np.array([*row[2:4], *(row[2:4] + row[4:6])])
    return found


def read(folder: pathlib.Path) -> Sequence:
    config = configparser.ConfigParser()
    config.read(folder / "sequence.ini")
    frames, every, late = (int(config["Sequence"][key]) for key in ("frames", "every", "late"))
    truth = rows_of(folder / "gt.txt")
    detections = [np.zeros((0, 5)) for _ in range(frames)]
    rows = rows_of(folder / "det.txt")
    for frame in range(frames):
        of_frame = rows[rows[:, 0] == frame + 1]
        boxes = np.column_stack([of_frame[:, 2:4], of_frame[:, 2:4] + of_frame[:, 4:6]])
        detections[frame] = np.column_stack([boxes, of_frame[:, 6]])
    ours = {
        "tracked": boxes_of(rows_of(folder / "ours.txt"), frames),
        "painted": boxes_of(rows_of(folder / "painted.txt"), frames),
    }
    shown, hidden = (boxes_of(truth[truth[:, 6] == flag], frames) for flag in (1, 0))
    return Sequence(folder.name, frames, every, late, shown, hidden, detections, ours)


def ious(one: list[np.ndarray], other: list[np.ndarray]) -> np.ndarray:
    a, b = np.array(one).reshape(-1, 1, 4), np.array(other).reshape(1, -1, 4)
    corner = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    both = np.prod(np.maximum(corner, 0), -1)
    area = np.prod(a[..., 2:] - a[..., :2], -1) + np.prod(b[..., 2:] - b[..., :2], -1)
    return both / np.maximum(area - both, 1e-9)


def without_hidden(truth: Boxes, hidden: Boxes, found: Boxes) -> Boxes:
    """As TrackEval removes what was found on distractors."""
    if not hidden or not found:
        return found
    names, overlap = list(found), ious([*truth.values(), *hidden.values()], list(found.values()))
    rows, columns = linear_sum_assignment(-np.where(overlap >= MATCH_IOU, overlap, 0))
    on_hidden = {
        names[column]
        for row, column in zip(rows, columns, strict=True)
        if row >= len(truth) and overlap[row, column] >= MATCH_IOU
    }
    return {name: box for name, box in found.items() if name not in on_hidden}


def trackeval_data(pictures: list[tuple[Boxes, Boxes]]) -> dict:
    numbers = [sorted({name for pair in pictures for name in pair[side]}) for side in (0, 1)]
    index = [{name: at for at, name in enumerate(names)} for names in numbers]
    ids = [
        [np.array([index[side][name] for name in pair[side]], int) for pair in pictures]
        for side in (0, 1)
    ]
    similar = [ious(list(truth.values()), list(found.values())) for truth, found in pictures]
    return {
        "num_timesteps": len(pictures),
        "num_gt_ids": len(numbers[0]),
        "num_tracker_ids": len(numbers[1]),
        "num_gt_dets": sum(len(one) for one in ids[0]),
        "num_tracker_dets": sum(len(one) for one in ids[1]),
        "gt_ids": ids[0],
        "tracker_ids": ids[1],
        "similarity_scores": similar,
    }


def judged(sequence: Sequence, found: list[Boxes], frames: range) -> list[tuple[Boxes, Boxes]]:
    truth, hidden = sequence.truth, sequence.hidden
    return [
        (truth[frame], without_hidden(truth[frame], hidden[frame], found[frame]))
        for frame in frames
    ]


METRICS = {
    "MOTA": trackeval.metrics.CLEAR({"PRINT_CONFIG": False}),
    "IDF1": trackeval.metrics.Identity({"PRINT_CONFIG": False}),
    "HOTA": trackeval.metrics.HOTA(),
}


def evaluate(results: dict[str, list[tuple[Boxes, Boxes]]]) -> dict[str, float]:
    scores = {}
    for name, metric in METRICS.items():
        with contextlib.redirect_stdout(io.StringIO()):
            each = {
                sequence: metric.eval_sequence(trackeval_data(pictures))
                for sequence, pictures in results.items()
            }
            scores[name] = float(np.mean(metric.combine_sequences(each)[name]))
    return scores


def painted_iou(pictures: list[tuple[Boxes, Boxes]]) -> tuple[float, int]:
    total, boxes = 0.0, 0
    for truth, found in pictures:
        overlap = ious(list(truth.values()), list(found.values()))
        pairs = overlap[linear_sum_assignment(-overlap)]
        total += pairs.sum()
        boxes += len(truth) + len(found) - (pairs > 0).sum()
    return total, boxes


def run_roboflow(tracker, sequence: Sequence) -> list[Boxes]:
    import supervision

    found: list[Boxes] = [{} for _ in range(sequence.frames)]
    for frame in sequence.detected:
        rows = sequence.detections[frame]
        given = supervision.Detections(
            xyxy=rows[:, :4].astype(np.float32),
            confidence=rows[:, 4].astype(np.float32),
            class_id=np.zeros(len(rows), int),
        )
        with contextlib.redirect_stdout(io.StringIO()):
            tracked = tracker.update(given)
        for box, number in zip(tracked.xyxy, tracked.tracker_id, strict=True):
            if number >= 0:
                found[frame][int(number)] = box
    return found


def byte_track(sequence: Sequence, buffer: float, start: float, iou: float, hits: int):
    from trackers import ByteTrackTracker

    rate = 30 / sequence.every
    return run_roboflow(
        ByteTrackTracker(
            lost_track_buffer=round(buffer * 30),
            frame_rate=rate,
            track_activation_threshold=start,
            high_conf_det_threshold=min(start, 0.6),
            minimum_iou_threshold=iou,
            minimum_consecutive_frames=hits,
        ),
        sequence,
    )


def oc_sort(sequence: Sequence, buffer: float, start: float, iou: float, hits: int):
    from trackers import OCSORTTracker

    rate = 30 / sequence.every
    return run_roboflow(
        OCSORTTracker(
            lost_track_buffer=round(buffer * 30),
            frame_rate=rate,
            high_conf_det_threshold=start,
            minimum_iou_threshold=iou,
            minimum_consecutive_frames=hits,
        ),
        sequence,
    )


def norfair_tracks(sequence: Sequence, buffer: float, start: float, distance: float, hits: int):
    """Updated in every picture, with detections or without, so that it predicts between them."""
    import norfair

    counter = max(round(buffer * 30), sequence.every + 1)
    tracker = norfair.Tracker(
        distance_function="iou",
        distance_threshold=distance,
        hit_counter_max=counter,
        initialization_delay=min((hits - 1) * sequence.every, counter - 1),
    )
    found: list[Boxes] = [{} for _ in range(sequence.frames)]
    for frame in range(sequence.frames):
        rows = sequence.detections[frame]
        given = [
            norfair.Detection(points=row[:4].reshape(2, 2), scores=np.full(2, row[4]))
            for row in rows[rows[:, 4] >= start]
        ]
        is_detected = frame % sequence.every == 0
        alive = tracker.update(given, sequence.every) if is_detected else tracker.update()
        for one in alive:
            found[frame][int(one.id)] = one.estimate.reshape(4)
    return found


def of_grid(**lists) -> list[dict]:
    return [dict(zip(lists, values, strict=True)) for values in itertools.product(*lists.values())]


CANDIDATES = {
    "ByteTrack": (
        byte_track,
        of_grid(buffer=(1.0,), start=(0.35, 0.5, 0.7), iou=(0.1,), hits=(1, 2)),
    ),
    "OC-SORT": (
        oc_sort,
        of_grid(buffer=(1.0,), start=(0.35, 0.6), iou=(0.1, 0.3), hits=(1, 3)),
    ),
    "Norfair": (
        norfair_tracks,
        of_grid(buffer=(0.5,), start=(0.35, 0.5), distance=(0.7, 0.9), hits=(1, 3)),
    ),
}


def held(sequence: Sequence, found: list[Boxes], goes_on: bool) -> list[Boxes]:
    """What is painted of boxes that exist for detected pictures only."""
    painted: list[Boxes] = []
    for frame in range(sequence.frames):
        at = (frame - sequence.late) // sequence.every * sequence.every
        boxes = dict(found[at]) if frame >= sequence.late else {}
        before = found[at - sequence.every] if at >= sequence.every and goes_on else {}
        for number in boxes.keys() & before.keys():
            step = (boxes[number] - before[number]) / sequence.every
            boxes[number] = boxes[number] + step * (frame - at)
        painted.append(boxes)
    return painted


def delayed(sequence: Sequence, found: list[Boxes], goes_on: bool) -> list[Boxes]:
    """Norfair's own predictions, which are there `late` pictures later."""
    painted: list[Boxes] = []
    for frame in range(sequence.frames):
        at = frame - sequence.late
        boxes = dict(found[at]) if at >= 0 else {}
        before = found[at - 1] if at >= 1 and goes_on else {}
        for number in boxes.keys() & before.keys():
            boxes[number] = boxes[number] + (boxes[number] - before[number]) * sequence.late
        painted.append(boxes)
    return painted


def figures(sequences: list[Sequence], tracked: dict, painted: dict) -> dict:
    at_detections = {
        one.name: judged(one, tracked[one.name], one.detected) for one in sequences
    }
    sums = [
        painted_iou(judged(one, painted[one.name], range(one.frames))) for one in sequences
    ]
    total, boxes = np.array(sums).sum(0)
    return evaluate(at_detections) | {"painted IoU": total / boxes}


def best_of(name: str, sequences: dict[int, list[Sequence]]) -> tuple[dict, dict]:
    """The best parameters and, for each rate, the figures."""
    function, grid = CANDIDATES[name]
    best = (-1.0, {}, {})
    for parameters in grid:
        tracked = {
            rate: {one.name: function(one, **parameters) for one in ones}
            for rate, ones in sequences.items()
        }
        hota = [
            evaluate({one.name: judged(one, tracked[rate][one.name], one.detected) for one in ones})
            for rate, ones in sequences.items()
        ]
        mean = float(np.mean([one["HOTA"] for one in hota]))
        if mean > best[0]:
            best = (mean, parameters, tracked)
    _, parameters, tracked = best
    paint = delayed if name == "Norfair" else held
    options = []
    for goes_on in (False, True):
        options.append(
            {
                rate: figures(
                    ones,
                    tracked[rate],
                    {
                        one.name: paint(one, tracked[rate][one.name], goes_on) for one in ones
                    },
                )
                for rate, ones in sequences.items()
            }
        )
    found = max(options, key=lambda by_rate: sum(one["painted IoU"] for one in by_rate.values()))
    return parameters, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    sequences = {
        rate: [read(folder) for folder in sorted(args.folder.glob(f"*-{rate}"))] for rate in RATES
    }
    ours = {
        rate: figures(
            ones,
            {one.name: one.ours["tracked"] for one in ones},
            {one.name: one.ours["painted"] for one in ones},
        )
        for rate, ones in sequences.items()
    }
    print("| detections a second | tracker | MOTA | IDF1 | HOTA | painted IoU |")
    print("| ---: | --- | ---: | ---: | ---: | ---: |")
    found = {"carrier": ours}
    for name in CANDIDATES:
        parameters, found[name] = best_of(name, sequences)
        print(f"<!-- {name}: {parameters} -->", flush=True)
    for rate in RATES:
        for name, by_rate in found.items():
            cells = [f"{100 * value:.1f}" for value in by_rate[rate].values()]
            print(f"| {rate} | {name} |", " | ".join(cells), "|")
    for one in sequences[10]:
        row = figures([one], {one.name: one.ours["tracked"]}, {one.name: one.ours["painted"]})
        cells = ", ".join(f"{key} {value:.4f}" for key, value in row.items())
        print(f"<!-- carrier, {one.name}: {cells} -->")


if __name__ == "__main__":
    main()
