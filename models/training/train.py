"""Step 4: train, from random weights or from those of an exported model.

    train.py --work DIR --run NAME --samples N [--start FILE.onnx] [--resume]

The learning rate rises, stays constant, and falls over the last part of `--samples` pictures (warm-up, stable, decay:
Hu et al., MiniCPM, 2024), so that a run can be prolonged: resume from a checkpoint of the stable part (copy stable.pt
over last.pt) with more samples. Every `--check-every` pictures the averaged weights are validated on the held-out
pictures and on as many trained ones, and a line is written to RUN/log.jsonl; labels and cut-outs that have been written
meanwhile are used within minutes. RUN/last.pt is replaced every few minutes and has all that `--resume` needs. While the
file `pause` is in the working folder, the training sleeps.
"""

import argparse
import copy
import datetime
import itertools
import json
import os
import signal
import sys
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.distributed
import torch.multiprocessing
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from dataset import Batches, Classes, to_tensor, to_truth
from device_batches import DeviceBatches, Store
from distillation import FaceTeacher, Teacher, distillation_loss, echoed
from from_onnx import start_from
from loss import loss
from muon import Muon, is_plain_convolution
from network import Detector, priors
from pause import wait_while_paused
from validate import is_like_held_out, validate

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
DECAY_FROM = 0.6
# The steps of the warm-up; in a very short run, this share of it.
WARM_UP_STEPS, WARM_UP_PART = 500, 0.1
# Of steps of RATE_BATCH pictures; for more, it rises with the root of their number.
LEARNING_RATE, LEAST_RATE, RATE_BATCH = 2e-3, 2e-5, 32
WEIGHT_DECAY = 0.05
AVERAGE_PICTURES = 32_000
SAVE_EVERY_S, LOOK_EVERY_S = 120, 600
START_PICTURES = 64


def rate_at(progress: float, step: int, decay_from: float = DECAY_FROM) -> float:
    risen = max((step + 1) / WARM_UP_STEPS, progress / WARM_UP_PART)
    if risen < 1:
        return LEARNING_RATE * risen
    if progress < decay_from:
        return LEARNING_RATE
    left = max(0.0, (1 - progress) / (1 - decay_from))
    return LEAST_RATE + (LEARNING_RATE - LEAST_RATE) * left


class Average:
    """The exponential moving average of the weights (Polyak and Juditsky, 1992), which is validated and exported."""

    def __init__(self, model: nn.Module):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int, batch: int) -> None:
        share = 1 / min(step + 2, max(2, AVERAGE_PICTURES // batch))
        mean, new = self.model.state_dict(), model.state_dict()
        floats = [name for name in mean if mean[name].is_floating_point()]
        torch._foreach_lerp_([mean[name] for name in floats], [new[name] for name in floats], share)


def bfloat16_is_faster() -> bool:
    """Of this CPU, measured: some that have the instructions take as long with them as for float32, or longer."""
    if not {"amx_bf16", "avx512_bf16"} & set(Path("/proc/cpuinfo").read_text().split()):
        return False
    layer = nn.Conv2d(64, 64, 3, padding=1, bias=False).to(memory_format=torch.channels_last)
    picture = torch.randn(16, 64, 24, 32).to(memory_format=torch.channels_last).requires_grad_()

    def time_s(half: bool) -> float:
        began = time.process_time()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            layer(picture).float().sum().backward()
        return time.process_time() - began

    times = [(time_s(False), time_s(True)) for _ in range(8)]
    exact, half = (sorted(column)[len(times) // 2] for column in zip(*times))
    return half < 0.9 * exact


def optimisers(model: nn.Module, precision: torch.dtype = torch.float32) -> list[torch.optim.Optimizer]:
    """Muon for the plain convolutions of backbone, neck and head, AdamW for the rest; without weight decay
    for norms and biases."""
    answers = {id(layer) for layer in model.head.answers}
    plain = [m.weight for m in model.modules()
             if is_plain_convolution(m) and m.weight.requires_grad and id(m) not in answers]
    known = {id(weight) for weight in plain}
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in known]
    groups = [
        {"params": [p for p in others if p.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [p for p in others if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [Muon(plain, LEARNING_RATE, WEIGHT_DECAY, precision), torch.optim.AdamW(groups, lr=LEARNING_RATE)]


class Run:
    """One process of `--processes`; the first one validates and writes."""

    def __init__(self, given: argparse.Namespace, rank: int):
        self.given, self.rank = given, rank
        self.folder = given.work / "runs" / given.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.classes = Classes.read(given.classes)
        self.device = torch.device(given.device)
        self.half = given.bf16
        torch.manual_seed(given.seed)
        model = Detector(len(self.classes.names)).to(self.device)
        self.model = model.to(memory_format=torch.channels_last)
        self.batch = given.batch * given.processes
        self.step, self.seen, self.spent_s, self.best = 0, 0, 0.0, -1.0
        self.store = None
        if given.start and not given.resume:
            pictures = to_tensor(self.some_pictures().to(self.device))
            new = start_from(given.start, self.model, self.classes.names, pictures)
            if rank == 0:
                print(f"starts with the weights of {given.start}; new classes: {', '.join(new)}", flush=True)
        self.frozen = self.model.backbone.stem[0] if given.freeze_stem else None
        if self.frozen:
            self.frozen.requires_grad_(False)
        self.teacher = self.face_teacher = None
        if given.teacher:
            self.teacher = Teacher(given.teacher, self.classes.ids, given.threads)
            self.face_teacher = FaceTeacher(given.face_teacher, self.classes.ids, self.some_pictures())
        self.average = Average(self.model)
        self.optimisers = optimisers(self.model, torch.bfloat16 if self.half else torch.float32)
        if given.resume:
            self.load(self.folder / "last.pt")
        self.learner = self.model
        if given.processes > 1:
            self.learner = DistributedDataParallel(self.model, forward_sync_buffers=False)

    def some_pictures(self) -> torch.Tensor:
        source = Batches(self.given.work, self.classes, START_PICTURES, FINAL_SIZE, 0.0, (self.given.seed,))
        return next(iter(source))[0]

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
        """The batches of the rest of the run; of the current stage and of the labels that there are at present."""
        while self.progress < 1:
            until, size, mosaics = next(stage for stage in STAGES if self.progress < stage[0])
            seed = (self.given.seed, self.step, self.rank)
            source = Batches(self.given.work, self.classes, self.given.batch, size, mosaics, seed)
            if self.given.on_device:
                if self.store is None or len(self.store.sizes) != len(source):
                    self.store = Store(source, self.device)
                loader = DeviceBatches(source, self.store)
            else:
                loader = DataLoader(source, batch_size=None, num_workers=self.given.loaders,
                                    prefetch_factor=4 if self.given.loaders else None)
            prior = priors(*size).to(self.device)
            used, looked = self.newest_labels(), time.monotonic()
            if self.teacher:
                loader = self.taught(loader, size, mosaics, seed)
            for batch in loader:
                yield prior, *batch
                if self.progress >= until:
                    break
                if time.monotonic() - looked > LOOK_EVERY_S:
                    looked = time.monotonic()
                    if self.newest_labels() > used:
                        break

    def taught(self, labelled, size: tuple[int, int], mosaics: float, seed: tuple[int, ...]):
        """With the teacher's answers; and batches of unlabelled pictures, of which it knows nothing else."""
        random = np.random.default_rng(seed)
        unlabelled = Batches(self.given.work, self.classes, self.given.batch, size, mosaics, seed, labelled=False)
        share = self.given.unlabelled if len(unlabelled) else 0.0
        both = iter(labelled), iter(unlabelled)
        drawn = (next(both[random.random() < share]) for _ in itertools.count())
        both_teachers = lambda pixels: self.teacher(pixels).together(self.face_teacher(pixels))
        return echoed(drawn, both_teachers, self.given.echo, random)

    def newest_labels(self) -> float:
        files = [*(self.given.work / "packs").glob("*.json"), *self.given.work.glob("cutouts.npz")]
        return max(file.stat().st_mtime for file in files)

    def learn(self, prior, pixels, rows, taught=None) -> dict[str, torch.Tensor]:
        rate = rate_at(self.progress, self.step, self.given.decay_from) * (self.batch / RATE_BATCH) ** 0.5
        for group in (group for optimiser in self.optimisers for group in optimiser.param_groups):
            group["lr"] = rate
        self.model.train()
        if self.frozen:
            self.frozen.eval()
        pixels = pixels.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
            answer = self.learner(to_tensor(pixels, torch.bfloat16 if self.half else torch.float32)).float()
        cost, parts = torch.zeros(()), {}
        if rows is not None:
            cost, parts = loss(answer, prior, to_truth(rows.to(self.device)))
        if taught:
            more, taught_parts = distillation_loss(answer, taught)
            cost, parts = cost + more, {**parts, **taught_parts}
        self.model.zero_grad(set_to_none=True)
        cost.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        for optimiser in self.optimisers:
            optimiser.step()
        if self.rank == 0:
            self.average.update(self.model, self.step, self.batch)
        return {"rate": torch.tensor(rate), **parts}

    def check(self, parts: dict[str, float]) -> None:
        judged = validate(self.average.model, self.given.work, self.classes, FINAL_SIZE)
        trained = validate(self.average.model, self.given.work, self.classes, FINAL_SIZE, is_like_held_out)
        score = judged["person"]["ap"]
        line = {
            "seen": self.seen, "minutes": round(self.spent_s / 60, 1),
            "person_ap": judged["person"]["ap"], "person_ap50": judged["person"]["ap50"],
            "face_ap50": judged["face"]["ap50"], "trained_person_ap": trained["person"]["ap"],
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
        if self.progress < self.given.decay_from:
            self.save("stable.pt")

    def go(self) -> None:
        began = saved = time.monotonic()
        sums, counts = Counter(), Counter()
        for batch in self.batches():
            parts = self.learn(*batch)
            now = time.monotonic()
            self.spent_s, began = self.spent_s + now - began, now
            before, self.seen = self.seen, self.seen + self.batch
            self.step += 1
            sums.update(parts)
            counts.update(parts.keys())
            means = lambda: {key: float(sums[key]) / count for key, count in counts.items()}
            if self.step % 100 == 0 and self.rank == 0:
                print(f"{self.progress:.1%} {self.seen / self.spent_s:.0f} pictures/s "
                      + " ".join(f"{key} {value:.4f}" for key, value in means().items()), flush=True)
            if self.seen // self.given.check_every > before // self.given.check_every or self.progress >= 1:
                if self.rank == 0:
                    self.check(means())
                sums, counts, began = Counter(), Counter(), time.monotonic()
            paused = (self.given.work / "pause").exists()
            if self.rank == 0 and (paused or time.monotonic() - saved > SAVE_EVERY_S):
                self.save("last.pt")
                saved = time.monotonic()
            if wait_while_paused(self.given.work):
                began = time.monotonic()


def work(rank: int, given: argparse.Namespace) -> None:
    # One thread in each of several processes: the layers are too small to be split between threads.
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(0)
    if given.processes > 1:
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
        # One may sleep for days in a pause that the other has not seen yet.
        torch.distributed.init_process_group("gloo", f"tcp://127.0.0.1:{given.port}", rank=rank,
                                             world_size=given.processes, timeout=datetime.timedelta(days=30))
    Run(given, rank).go()
    if given.processes > 1:
        torch.distributed.destroy_process_group()


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--work", type=Path, required=True)
    arguments.add_argument("--run", default="embedded")
    arguments.add_argument("--classes", type=Path, default=Path(__file__).with_name("classes.json"))
    arguments.add_argument("--samples", type=int, required=True, help="pictures to show in all")
    arguments.add_argument("--decay-from", type=float, default=DECAY_FROM,
                           help="from which part of them on the learning rate falls")
    arguments.add_argument("--start", type=Path, help="an exported model, to start with its weights")
    arguments.add_argument("--teacher", type=Path, help="a NanoDet-Plus file whose answers it learns too (on a CPU)")
    arguments.add_argument("--face-teacher", type=Path, default=Path(__file__).parents[1] / "embedded.onnx",
                           help="an exported model, which teaches faces beside it [default: the released one]")
    arguments.add_argument("--echo", type=int, default=4, help="how often each batch is used, with a teacher")
    arguments.add_argument("--unlabelled", type=float, default=0.4, help="share of batches without labels, with a teacher")
    arguments.add_argument("--freeze-stem", action="store_true",
                           help="keep the first layer as it is; a step takes a tenth less")
    arguments.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu",
                           help="with cuda, --processes 1 --batch 512")
    arguments.add_argument("--on-device", action=argparse.BooleanOptionalAction,
                           help="keep all pictures in the device's memory and augment there [default: with cuda]")
    arguments.add_argument("--bf16", action=argparse.BooleanOptionalAction,
                           help="compute in bfloat16 [default: where it is faster]")
    arguments.add_argument("--batch", type=int, default=32, help="pictures in a step of one process")
    arguments.add_argument("--loaders", type=int, default=0, help="processes that augment, 0: none of their own")
    arguments.add_argument("--processes", type=int, default=2, help="that share the work")
    arguments.add_argument("--port", type=int, default=29517, help="where they meet on this machine")
    arguments.add_argument("--threads", type=int, default=1, help="of each process")
    arguments.add_argument("--check-every", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--resume", action="store_true")
    given = arguments.parse_args()
    cuda = given.device.startswith("cuda")
    if given.on_device is None:
        given.on_device = cuda
    if given.teacher and cuda:
        arguments.error("--teacher computes on a CPU only: leave it out with --device cuda")
    if given.bf16 is None:
        torch.set_num_threads(given.threads)
        given.bf16 = cuda or bfloat16_is_faster()
    print(f"computes in {'bfloat16' if given.bf16 else 'float32'}", flush=True)
    if given.processes > 1:
        # A stopped run must end its child processes.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        torch.multiprocessing.spawn(work, (given,), given.processes, daemon=True)
    else:
        work(0, given)


if __name__ == "__main__":
    main()
