"""Step 3: train, from random weights.

    train.py --work DIR --run NAME --samples N [--resume]

The learning rate rises, stays constant, and falls over the last part of `--samples` pictures (warm-up, stable, decay:
Hu et al., MiniCPM, 2024), so that a run can be prolonged: resume from a checkpoint of the stable part (copy stable.pt
over last.pt) with more samples. Every `--check-every` pictures the averaged weights are validated on the held-out
pictures, a line is written to RUN/log.jsonl, and a checkpoint is saved. A run can be stopped and resumed at any time.
"""

import argparse
import copy
import json
import os
import signal
import sys
import time
from pathlib import Path

import cv2
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from dataset import Batches, Classes, to_tensor, to_truth
from loss import loss
from muon import Muon, is_plain_convolution
from network import Detector, priors
from packs import open_packs
from validate import validate

# Height and width; multiples of 32 pixels.
FINAL_SIZE = (288, 384)
# Up to which part of the run, which size, and which share of mosaics. Small pictures train faster; the last part has the
# size and the whole pictures that the program uses.
STAGES = (
    (0.5, (192, 256), 0.6),
    (0.88, (224, 288), 0.6),
    (0.95, FINAL_SIZE, 0.5),
    (1.0, FINAL_SIZE, 0.0),
)
DECAY_FROM = 0.5
# The steps of the warm-up; in a very short run, this share of it.
WARM_UP_STEPS, WARM_UP_PART = 500, 0.1
LEARNING_RATE, LEAST_RATE = 2e-3, 2e-5
WEIGHT_DECAY = 0.05
AVERAGE_STEPS = 1000


def rate_at(progress: float, step: int) -> float:
    risen = max((step + 1) / WARM_UP_STEPS, progress / WARM_UP_PART)
    if risen < 1:
        return LEARNING_RATE * risen
    if progress < DECAY_FROM:
        return LEARNING_RATE
    left = max(0.0, (1 - progress) / (1 - DECAY_FROM))
    return LEAST_RATE + (LEARNING_RATE - LEAST_RATE) * left


class Average:
    """The exponential moving average of the weights (Polyak and Juditsky, 1992), which is validated and exported."""

    def __init__(self, model: nn.Module):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        share = 1 / min(step + 2, AVERAGE_STEPS)
        mean, new = self.model.state_dict(), model.state_dict()
        floats = [name for name in mean if mean[name].is_floating_point()]
        torch._foreach_lerp_([mean[name] for name in floats], [new[name] for name in floats], share)


def optimisers(model: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the plain convolutions of backbone, neck and head, AdamW for the rest; without weight decay
    for norms and biases."""
    answers = {id(layer) for layer in model.head.answers}
    plain = [m.weight for m in model.modules() if is_plain_convolution(m) and id(m) not in answers]
    known = {id(weight) for weight in plain}
    others = [p for p in model.parameters() if id(p) not in known]
    groups = [
        {"params": [p for p in others if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [Muon(plain, LEARNING_RATE, WEIGHT_DECAY), torch.optim.AdamW(groups, lr=LEARNING_RATE)]


class Run:
    """One process of `--processes`; the first one validates and writes."""

    def __init__(self, given: argparse.Namespace, rank: int):
        self.given, self.rank = given, rank
        self.folder = given.work / "runs" / given.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.classes = Classes.read(given.classes)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        # bfloat16 is slower than float32 on a CPU without matrix units for it.
        self.half = self.device.type == "cuda" or "amx_bf16" in Path("/proc/cpuinfo").read_text()
        torch.manual_seed(given.seed)
        model = Detector(len(self.classes.names)).to(self.device)
        self.model = model.to(memory_format=torch.channels_last)
        self.average = Average(self.model)
        self.optimisers = optimisers(self.model)
        self.step, self.seen, self.spent_s, self.best = 0, 0, 0.0, -1.0
        if given.resume:
            self.load(self.folder / "last.pt")
        self.learner = DistributedDataParallel(self.model, broadcast_buffers=False) if given.processes > 1 else self.model

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location=self.device)
        self.model.load_state_dict(state["model"])
        self.average.model.load_state_dict(state["average"])
        for optimiser, its in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(its)
        self.step, self.seen, self.spent_s, self.best = (state[k] for k in ("step", "seen", "spent_s", "best"))

    def save(self, name: str) -> None:
        state = {
            "model": self.model.state_dict(), "average": self.average.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers], "classes": self.classes.names,
            "step": self.step, "seen": self.seen, "spent_s": self.spent_s, "best": self.best,
        }
        # Written to another file first: an interrupted write must not destroy the checkpoint.
        torch.save(state, self.folder / "writing.pt")
        os.replace(self.folder / "writing.pt", self.folder / name)

    @property
    def progress(self) -> float:
        return self.seen / self.given.samples

    def batches(self):
        """The batches of the current part of the run, and where that part ends."""
        for until, size, mosaics in STAGES:
            if self.progress >= until:
                continue
            source = Batches(self.given.work, self.classes, self.given.batch, size, mosaics, (self.given.seed, self.step, self.rank))
            loader = DataLoader(source, batch_size=None, num_workers=self.given.loaders,
                                prefetch_factor=4 if self.given.loaders else None)
            prior = priors(*size).to(self.device)
            for pixels, rows in loader:
                yield pixels, rows, prior
                if self.progress >= until:
                    break

    def learn(self, pixels, rows, prior) -> dict[str, float]:
        rate = rate_at(self.progress, self.step)
        for group in (group for optimiser in self.optimisers for group in optimiser.param_groups):
            group["lr"] = rate
        self.model.train()
        pixels, rows = pixels.to(self.device), rows.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            answer = self.learner(to_tensor(pixels))
        cost, parts = loss(answer.float(), prior, to_truth(rows))
        self.model.zero_grad(set_to_none=True)
        cost.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        for optimiser in self.optimisers:
            optimiser.step()
        if self.rank == 0:
            self.average.update(self.model, self.step)
        return {"rate": rate, **parts}

    def check(self, parts: dict[str, float], packs: list) -> None:
        judged = validate(self.average.model, packs, self.classes, FINAL_SIZE)
        score = judged["person"]["ap"]
        line = {
            "seen": self.seen, "minutes": round(self.spent_s / 60, 1),
            "person_ap": judged["person"]["ap"], "person_ap50": judged["person"]["ap50"],
            "face_ap50": judged["face"]["ap50"],
            "classes_over_30": sum(row["ap50"] >= 0.3 for row in judged.values() if row["boxes"]),
            **parts,
        }
        line = {key: round(value, 5) if isinstance(value, float) else value for key, value in line.items()}
        with open(self.folder / "log.jsonl", "a") as log:
            log.write(json.dumps(line) + "\n")
        (self.folder / "classes.json").write_text(json.dumps(judged, indent=1))
        print(json.dumps(line), flush=True)
        if score > self.best:
            self.best = score
            self.save("best.pt")
        self.save("last.pt")
        if self.progress < DECAY_FROM:
            self.save("stable.pt")

    def go(self) -> None:
        packs = open_packs(self.given.work / "packs")
        checked, began = self.seen, time.monotonic()
        sums: dict[str, float] = {}
        steps = 0
        for pixels, rows, prior in self.batches():
            parts = self.learn(pixels, rows, prior)
            now = time.monotonic()
            self.spent_s, began = self.spent_s + now - began, now
            self.step, self.seen, steps = self.step + 1, self.seen + len(pixels) * self.given.processes, steps + 1
            sums = {key: sums.get(key, 0.0) + value for key, value in parts.items()}
            if self.step % 100 == 0 and self.rank == 0:
                print(f"{self.progress:.1%} {self.seen / self.spent_s:.0f} pictures/s "
                      + " ".join(f"{key} {value / steps:.4f}" for key, value in sums.items()), flush=True)
            if self.seen - checked >= self.given.check_every or self.progress >= 1:
                if self.rank == 0:
                    self.check({key: value / steps for key, value in sums.items()}, packs)
                checked, sums, steps, began = self.seen, {}, 0, time.monotonic()
            if self.progress >= 1:
                break


def work(rank: int, given: argparse.Namespace) -> None:
    # One thread in each of several processes: the layers are too small to be split between threads.
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(0)
    if given.processes > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{given.port}", rank=rank,
                                             world_size=given.processes)
    Run(given, rank).go()
    if given.processes > 1:
        torch.distributed.destroy_process_group()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--run", default="embedded")
    arguments.add_argument("--classes", type=Path, default=Path(__file__).with_name("classes.json"))
    arguments.add_argument("--samples", type=int, required=True, help="pictures to show in all")
    arguments.add_argument("--batch", type=int, default=16, help="pictures in a step of one process")
    arguments.add_argument("--loaders", type=int, default=0, help="processes that augment, 0: none of their own")
    arguments.add_argument("--processes", type=int, default=2, help="that share the work")
    arguments.add_argument("--port", type=int, default=29517, help="where they meet on this machine")
    arguments.add_argument("--threads", type=int, default=1, help="of each process")
    arguments.add_argument("--check-every", type=int, default=25_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--resume", action="store_true")
    given = arguments.parse_args()
    if given.processes > 1:
        # A stopped run must end its child processes.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        torch.multiprocessing.spawn(work, (given,), given.processes, daemon=True)
    else:
        work(0, given)


if __name__ == "__main__":
    main()
