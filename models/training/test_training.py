"""Tests of the training: augmented boxes match their pixels, assignment and loss reward the right output, teachers'
boxes are fused, packs are read back."""

import json
import subprocess
import tempfile
import threading
import tomllib
import unittest
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F

import augment
from cutouts import cut_out
from dataset import Batches, Classes, rarity, trusted
from device_batches import DeviceBatches, Store
from evaluate import boxes_by_name, write_large
from false_alarms import false_alarms
from from_onnx import start_from
from loss import BINS_WEIGHT, BOX_WEIGHT, CLASS_WEIGHT, Truth, aligned_iou, assign, bins_loss, loss
from mix import mixed
from muon import orthogonal
from network import BINS, Detector, boxes_at, macs, priors, reach
from packs import Pack, PackWriter, Picture, is_held_out
from pause import wait_while_paused
from prepare import check_origins, content_of
from pseudo_label import merged, read_teacher_labels, write_teacher_labels
from public_pictures import (
    Known, Set, UnlabelledSet, boxes_of, labels_path, pack_public, pack_unlabelled, read_list, read_unlabelled_list,
)
from teachers import fuse, nms
from train import DECAY_FROM, LEARNING_RATE, optimisers, rate_at

RED = (0, 0, 255)


def picture_with_red(box: tuple[int, int, int, int], size: tuple[int, int] = (240, 320)) -> tuple:
    pixels = np.full((*size, 3), 40, np.uint8)
    x1, y1, x2, y2 = box
    pixels[y1:y2, x1:x2] = RED
    return pixels, np.array([[*box, 1, 0]], np.float32)


def red_box(canvas: np.ndarray) -> np.ndarray:
    red = (canvas[:, :, 2] > 120) & (canvas[:, :, 0] < 80)
    y, x = np.nonzero(red)
    return np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float32)


class Augmenting(unittest.TestCase):
    def test_boxes_follow_their_pixels(self):
        judged = 0
        for seed in range(40):
            random = np.random.default_rng(seed)
            canvas, rows = augment.single(*picture_with_red((90, 70, 200, 170)), (288, 384), random)
            if len(rows) and rows[0, 4] > 0:
                judged += 1
                np.testing.assert_allclose(rows[0, :4], red_box(canvas), atol=2.0, err_msg=f"seed {seed}")
        self.assertGreater(judged, 25)

    def test_a_mosaic_keeps_boxes_in_their_windows(self):
        for seed in range(10):
            random = np.random.default_rng(seed)
            four = [picture_with_red((90, 70, 200, 170))] * 4
            canvas, rows = augment.mosaic(four, (288, 384), random)
            self.assertEqual(canvas.shape, (288, 384, 3))
            self.assertTrue((rows[:, :2] >= 0).all() and (rows[:, 2] <= 384).all() and (rows[:, 3] <= 288).all())
            for x1, y1, x2, y2, score, _ in rows:
                if score > 0 and min(x2 - x1, y2 - y1) > 8:
                    middle = canvas[int((y1 + y2) / 2), int((x1 + x2) / 2)]
                    self.assertGreater(int(middle[2]), 120, f"seed {seed}: no red in the middle")

    def test_a_pasted_things_box_follows_its_pixels(self):
        thing = np.full((32, 32, 4), 255, np.uint8) * np.array([0, 0, 1, 1], np.uint8)
        judged = 0
        for seed in range(20):
            random = np.random.default_rng(seed)
            pixels, rows = picture_with_red((90, 70, 92, 72))
            canvas, rows = augment.pasted(np.full_like(pixels, 40), rows, thing, 0.7, 5, random)
            if len(rows) == 2 and rows[1, 4] > 0:
                judged += 1
                np.testing.assert_allclose(rows[1, :4], red_box(canvas), atol=5.0, err_msg=f"seed {seed}")
        self.assertGreater(judged, 10)

    def test_what_a_pasted_thing_hides_becomes_a_doubt(self):
        thing = np.full((32, 32, 4), 255, np.uint8)
        random = np.random.default_rng(0)
        pixels, rows = picture_with_red((100, 100, 104, 104))
        hidden = [augment.pasted(pixels, rows, thing, 1.0, 5, random)[1][0, 4] for _ in range(20)]
        self.assertGreater(hidden.count(0), 10)

    def test_what_is_mostly_cut_off_becomes_a_doubt(self):
        pixels, rows = picture_with_red((0, 0, 100, 100))
        canvas = np.zeros((100, 100, 3), np.uint8)
        moved = augment.placed(canvas, pixels, rows, (0, 0, 100, 100), (1.0, 1.0, -90.0, 0.0), False)
        self.assertEqual(moved[0, 4], 0)


class OnTheDevice(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        work = Path(folder.name)
        writer = PackWriter(work / "packs", "p")
        for number in range(4):
            pixels, rows = picture_with_red((90, 70, 200, 170))
            writer.add(pixels, Picture(f"{number}", "test", 320, 240, complete=list(range(81)), labelled=True,
                                       boxes=rows.tolist()))
        writer.close()
        self.work = work

    def batches(self, mosaics: float, batch: int = 24) -> DeviceBatches:
        source = Batches(self.work, Classes(["person", "cup"], [0, 41]), batch, (288, 384), mosaics, (1, 2))
        return DeviceBatches(source, Store(source, torch.device("cpu")))

    def test_boxes_follow_their_pixels(self):
        batches = self.batches(0.0)
        pixels, rows = batches.placed()
        judged = 0
        for picture, row in zip(pixels.permute(0, 2, 3, 1).numpy(), rows):
            row = row[row[:, 5] >= 0]
            if len(row) == 1 and row[0, 4] > 0:
                judged += 1
                np.testing.assert_allclose(row[0, :4], red_box(picture), atol=2.0)
        self.assertGreater(judged, 12)

    def test_a_mosaic_has_four_pictures_in_their_windows(self):
        pixels, rows = self.batches(1.0).placed()
        self.assertTrue((rows[..., :2] >= 0).all() and (rows[..., 2] <= 384).all() and (rows[..., 3] <= 288).all())
        self.assertGreater((rows[..., 5] >= 0).sum(), 48)

    def test_a_batch_has_the_form_of_the_other_ones(self):
        source = Batches(self.work, Classes(["person", "cup"], [0, 41]), 24, (96, 128), 0.5, (1, 2))
        pixels, rows = next(iter(source))
        same, its = next(iter(DeviceBatches(source, Store(source, torch.device("cpu")))))
        self.assertEqual((same.shape, same.dtype, its.shape[1]), (pixels.shape, pixels.dtype, rows.shape[1]))
        self.assertLess(abs(same.float().mean() - pixels.float().mean()), 12)

    def test_a_pasted_things_box_follows_its_pixels(self):
        batches = self.batches(0.0)
        batches.cut = torch.tensor([0, 0, 255, 255], dtype=torch.uint8).view(1, 4, 1, 1).expand(1, 4, 32, 32)
        batches.aspect, batches.label, batches.cut_chance = torch.tensor([0.7]), torch.tensor([1]), torch.tensor([1.0])
        used = torch.arange(0, 24, 2)
        pixels, rows = batches.pasted(torch.full((24, 3, 288, 384), 40.0), torch.full((24, 1, 6), -1.0), used)
        for number in used:
            box = rows[number, 1]
            if box[4] > 0:
                seen = red_box(pixels[number].permute(1, 2, 0).numpy())
                np.testing.assert_allclose(box[:4], seen, atol=3.0)
        self.assertGreater((rows[used, 1, 4] > 0).sum(), 6)
        self.assertEqual((rows[1::2, 1, 5] >= 0).sum(), 0)

    def test_compression_of_the_best_quality_changes_little_and_of_the_worst_much(self):
        batches = self.batches(0.0)
        pixels = torch.rand(2, 3, 32, 32) * 255
        fine, coarse = (batches.compressed(pixels, torch.full((2,), quality)) for quality in (99.0, 25.0))
        self.assertLess((fine - pixels).abs().mean(), 2)
        self.assertGreater((coarse - pixels).abs().mean(), 10)


def dense_loss(answer: torch.Tensor, prior: torch.Tensor, truth: Truth) -> torch.Tensor:
    """The loss as it is defined, with a target and a weight for every class of every cell."""
    classes = answer.shape[-1] - 4 * BINS
    logits, bins = answer[..., :classes], answer[..., classes:].unflatten(-1, (4, BINS))
    distances = bins.softmax(-1) @ torch.arange(BINS, dtype=answer.dtype)
    picture, cell, row, aim = assign(logits.detach().transpose(1, 2), distances.detach().permute(2, 0, 1), prior, truth)
    target, weight = torch.zeros_like(logits), torch.ones_like(logits)
    target[picture, cell, truth.label[row]] = aim * truth.trust[row]
    middle = prior[:, :2] + prior[:, 2:] / 2
    for box, its_picture, label, trust in zip(truth.box, truth.picture, truth.label, truth.trust):
        if trust == 0:
            weight[its_picture, ((middle > box[:2]) & (middle < box[2:])).all(1), label] = 0
    weight[picture, cell, truth.label[row]] = 1
    total = target.sum().clamp(min=1)
    cost = CLASS_WEIGHT * (F.binary_cross_entropy_with_logits(logits, target, reduction="none") * weight).sum() / total
    aim = aim * truth.trust[row]
    boxes = boxes_at(prior[cell], distances[picture, cell])
    cost = cost + BOX_WEIGHT * ((1 - aligned_iou(boxes, truth.box[row], generalised=True)) * aim).sum() / total
    corner, stride = prior[cell, :2], prior[cell, 2:]
    sides = (torch.cat([corner - truth.box[row, :2], truth.box[row, 2:] - corner], 1) / stride).clamp(0, BINS - 1.01)
    low, log = sides.floor().long(), bins[picture, cell].log_softmax(-1)
    at = lambda bin_: log.gather(-1, bin_[..., None])[..., 0]
    near = at(low) * (1 - sides + low) + at(low + 1) * (sides - low)
    return cost - BINS_WEIGHT * (near.mean(-1) * aim).sum() / total


class Learning(unittest.TestCase):
    SIZE = (96, 128)

    def setUp(self):
        self.prior = priors(*self.SIZE)
        box = torch.tensor([[20.0, 16.0, 84.0, 80.0]])
        self.truth = Truth(torch.tensor([0]), box, torch.tensor([1]), torch.tensor([1.0]))

    def answer(self, box: torch.Tensor, class_logit: float) -> torch.Tensor:
        """Every cell predicts this box, and the cells near its centre class 1."""
        corner, stride = self.prior[:, :2], self.prior[:, 2:]
        sides = torch.cat([corner - box[:2], box[2:] - corner], 1) / stride
        bins = -((torch.arange(BINS) - sides.clamp(0, BINS - 1)[..., None]) ** 2) * 6
        logits = torch.full((len(self.prior), 3), -8.0)
        logits[((corner + stride / 2 - (box[:2] + box[2:]) / 2).abs() < 12).all(1), 1] = class_logit
        return torch.cat([logits, bins.flatten(1)], 1)[None]

    def test_the_right_answer_costs_less_than_a_wrong_one(self):
        right, _ = loss(self.answer(self.truth.box[0], 4.0), self.prior, self.truth)
        unsure, _ = loss(self.answer(self.truth.box[0], -4.0), self.prior, self.truth)
        shifted, _ = loss(self.answer(self.truth.box[0] + 12, 4.0), self.prior, self.truth)
        self.assertLess(right, unsure)
        self.assertLess(right, shifted)

    def test_a_doubt_is_neither_thing_nor_background(self):
        seen = self.answer(self.truth.box[0], 4.0)
        nothing = Truth(*(tensor[:0] for tensor in (self.truth.picture, self.truth.box, self.truth.label, self.truth.trust)))
        doubt = Truth(self.truth.picture, self.truth.box, self.truth.label, torch.tensor([0.0]))
        wrong, _ = loss(seen, self.prior, nothing)
        excused, _ = loss(seen, self.prior, doubt)
        self.assertLess(excused, wrong / 10)

    def test_the_loss_and_its_gradient_are_those_of_its_definition(self):
        random = torch.Generator().manual_seed(1)
        corner = torch.rand(40, 2, generator=random) * torch.tensor([100.0, 70.0])
        truth = Truth(
            torch.randint(0, 3, (40,), generator=random),
            torch.cat([corner, corner + 2 + torch.rand(40, 2, generator=random) * 40], 1),
            torch.randint(0, 5, (40,), generator=random),
            torch.tensor([1.0, 0.7, 0.0, 0.0]).repeat(10),
        )
        given = torch.randn(3, len(self.prior), 5 + 4 * BINS, generator=random)
        results = []
        for compute in (dense_loss, lambda *inputs: loss(*inputs)[0]):
            answer = given.clone().requires_grad_()
            cost = compute(answer, self.prior, truth)
            cost.backward()
            results.append((cost.detach(), answer.grad))
        torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-6)

    def test_bins_and_reach_are_each_others_inverse(self):
        distance = torch.tensor([[0.3], [2.5], [4.0], [6.9]])
        logits = torch.zeros(4, BINS, 1, requires_grad=True)
        optimiser = torch.optim.Adam([logits], lr=0.5)
        for _ in range(300):
            optimiser.zero_grad()
            bins_loss(logits, distance).sum().backward()
            optimiser.step()
        torch.testing.assert_close(reach(logits.detach().flatten(0, 1)), distance, atol=0.05, rtol=0)

    def test_the_network_answers_for_every_cell_within_its_budget(self):
        model = Detector(5).eval()
        with torch.no_grad():
            answer = model(torch.zeros(2, 3, *self.SIZE))
        self.assertEqual(answer.shape, (2, len(self.prior), 5 + 4 * BINS))
        self.assertLess(2 * macs(Detector(53), 288, 384), 0.6e9)
        self.assertLess(sum(parameter.numel() for parameter in model.parameters()), 1_000_000)

    def test_boxes_lie_around_their_priors(self):
        boxes = boxes_at(torch.tensor([[32.0, 16.0, 8.0]]), torch.tensor([[1.0, 0.5, 2.0, 3.0]]))
        self.assertEqual(boxes.tolist(), [[24.0, 12.0, 48.0, 40.0]])

    def test_an_orthogonal_step_is_as_long_in_every_direction(self):
        torch.manual_seed(0)
        for shape in ((64, 200), (200, 64), (48, 48)):
            lengths = torch.linalg.svdvals(orthogonal(torch.randn(1, *shape)))
            self.assertTrue(((lengths > 0.3) & (lengths < 1.4)).all(), lengths)

    def test_steps_computed_together_are_those_computed_alone(self):
        torch.manual_seed(0)
        several = torch.randn(3, 64, 200)
        torch.testing.assert_close(orthogonal(several)[1], orthogonal(several[1:2])[0], rtol=1e-3, atol=1e-4)

    def test_each_weight_has_one_optimiser(self):
        model = Detector(5)
        plain, others = optimisers(model)
        ids = [id(p) for o in (plain, others) for group in o.param_groups for p in group["params"]]
        self.assertEqual(sorted(ids), sorted(id(p) for p in model.parameters()))
        answers = {id(p) for layer in model.head.answers for p in layer.parameters()}
        self.assertFalse(answers & {id(p) for p in plain.param_groups[0]["params"]})
        before = model.backbone.stem[1][0].weight.clone()
        model(torch.randn(2, 3, 64, 64)).square().mean().backward()
        plain.step()
        self.assertGreater((model.backbone.stem[1][0].weight - before).abs().sum(), 0)

    def test_the_rate_rises_stays_and_falls(self):
        self.assertLess(rate_at(0.0, 0), LEARNING_RATE / 100)
        self.assertEqual(rate_at(DECAY_FROM / 2, 10_000), LEARNING_RATE)
        self.assertLess(rate_at(0.999, 10_000), LEARNING_RATE / 20)


class Starting(unittest.TestCase):
    def test_an_exported_model_answers_the_same_after_it_was_loaded(self):
        file = Path(__file__).parents[1] / "embedded.onnx"
        manifest = tomllib.loads(file.with_suffix(".toml").read_text())
        names = [*Classes.read(Path(__file__).with_name("classes.json")).names, "unknown thing"]
        model = Detector(len(names))
        torch.manual_seed(0)
        pictures = torch.randn(2, 3, manifest["input"]["height"], manifest["input"]["width"])
        new = start_from(file, model, names, pictures)
        self.assertEqual(new, [name for name in names if name not in manifest["labels"]])
        with torch.no_grad():
            answer = model(pictures[:1])[0].numpy()
        session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        wanted = session.run(None, {"images": pictures[:1].numpy()})[0][0]
        np.testing.assert_allclose(answer[:, -4 * BINS :], wanted[:, -4 * BINS :], atol=0.1)
        person = 1 / (1 + np.exp(-answer[:, names.index("person")]))
        np.testing.assert_allclose(person, wanted[:, 0], atol=0.02)


class Pausing(unittest.TestCase):
    def test_it_sleeps_while_the_file_exists(self):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            self.assertFalse(wait_while_paused(work))
            (work / "pause").touch()
            threading.Timer(0.2, (work / "pause").unlink).start()
            self.assertTrue(wait_while_paused(work))


class CuttingOut(unittest.TestCase):
    def test_a_thing_on_a_plain_background_is_cut_out_and_noise_is_not(self):
        random = np.random.default_rng(0)
        pixels = random.normal(60, 5, (120, 120, 3)).clip(0, 255).astype(np.uint8)
        cv2.ellipse(pixels, (60, 60), (20, 30), 0, 0, 360, (40, 40, 220), cv2.FILLED)
        found = cut_out(pixels, np.array([40, 30, 81, 91]))
        self.assertAlmostEqual((found[..., 3] > 127).mean(), np.pi / 4, delta=0.06)
        noise = random.integers(0, 256, (120, 120, 3), np.uint8)
        self.assertIsNone(cut_out(noise, np.array([40, 30, 81, 91])))


class Labels(unittest.TestCase):
    def test_views_that_agree_are_surer_than_one_alone(self):
        agreed = np.array([[10, 10, 50, 50, 0.8, 3]], np.float32)
        alone = np.array([[200, 200, 250, 250, 0.8, 3]], np.float32)
        fused = fuse([agreed, np.concatenate([agreed + [[1, 1, 1, 1, 0, 0]], alone])], 0.6)
        self.assertAlmostEqual(float(fused[0, 4]), 0.8, 5)
        self.assertAlmostEqual(float(fused[1, 4]), 0.4, 5)

    def test_annotators_outrank_teachers(self):
        picture = Picture("a", "test", 100, 100, complete=[0], boxes=[[10, 10, 40, 40, 1.0, 2]])
        teachers = np.array([[11, 11, 41, 41, 0.9, 2], [60, 60, 90, 90, 0.9, 2], [0, 0, 9, 9, 0.9, 0]], np.float32)
        rows = merged(picture, teachers)
        self.assertEqual([(row[0], row[5]) for row in rows], [(10, 2), (60, 2)])

    def test_trust(self):
        rows = np.array([[0, 0, 1, 1, score, 0] for score in (1.0, 0.49, 0.3)], np.float32)
        np.testing.assert_allclose(trusted(rows), [1, 0.7, 0], atol=1e-6)

    def test_suppression_keeps_the_best_of_a_class(self):
        rows = np.array([[0, 0, 10, 10, 0.5, 1], [1, 0, 11, 10, 0.9, 1], [0, 0, 10, 10, 0.4, 2]], np.float32)
        np.testing.assert_allclose(sorted(nms(rows, 0.5)[:, 4]), [0.4, 0.9], atol=1e-6)

    def test_rare_classes_are_drawn_more_often(self):
        common, rare = (np.array([[0, 0, 1, 1, 1, label]], np.float32) for label in (0, 1))
        often = rarity([common] * 99 + [rare], 2)
        self.assertEqual(often[0], 1)
        self.assertGreater(often[-1], 2)

    def test_teacher_labels_are_read_back_into_an_unlabelled_pack(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "labels.json.xz"

            def pack(boxes: list[list[float]], labelled: bool) -> Picture:
                writer = PackWriter(Path(folder) / "packs", "some")
                writer.add(np.zeros((50, 60, 3), np.uint8), Picture("a.jpg", "x", 60, 50, boxes=boxes, labelled=labelled))
                writer.close()
                return Pack(Path(folder) / "packs" / "some")

            own, sure, doubtful = [1.5, 2, 30, 40, 1.0, 0], [5.4, 6, 20.6, 30, 0.567, 41], [5, 6, 9, 9, 0.15, 41]
            pack([own, sure, doubtful], True)
            self.assertEqual(write_teacher_labels(Path(folder), file), 1)
            pack([own], False)
            self.assertEqual(read_teacher_labels(Path(folder), file), 1)
            read = Pack(Path(folder) / "packs" / "some").pictures[0]
            self.assertTrue(read.labelled)
            self.assertEqual(read.boxes, [own, [5, 6, 21, 30, 0.57, 41]])


class Mixing(unittest.TestCase):
    def test_a_share_of_the_earlier_weights_and_none_of_its_counters(self):
        newest = {"weight": torch.tensor([1.0, 2.0]), "steps": torch.tensor(9)}
        earlier = {"weight": torch.tensor([0.0, 4.0]), "steps": torch.tensor(5)}
        both = mixed(newest, earlier, 0.25)
        np.testing.assert_allclose(both["weight"], [0.75, 2.5])
        self.assertEqual(both["steps"], 9)


class Evaluating(unittest.TestCase):
    def test_small_boxes_of_several_sets_do_not_count(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, category in (("a", 5), ("b", 7)):
                (root / "pictures").mkdir(exist_ok=True)
                (root / "pictures" / f"{name}.png").write_text(name)
                boxes = [{"id": number, "image_id": 9, "category_id": category, "iscrowd": 0, "bbox": [0, 0, side, side]}
                         for number, side in enumerate((10, 30))]
                (root / f"{name}.json").write_text(json.dumps({
                    "images": [{"id": 9, "file_name": f"{name}.png", "width": 100, "height": 100}],
                    "annotations": boxes, "categories": [{"id": category, "name": "cup"}]}))
            large = write_large(root / "large", [(root / f"{name}.json", root / "pictures") for name in "ab"])
            self.assertEqual(boxes_by_name(large)["cup"], 2)
            self.assertEqual([box["iscrowd"] for box in json.loads(large.read_text())["annotations"]], [1, 0, 1, 0])
            self.assertEqual((large.with_name("images") / "1.png").read_text(), "b")


class FalseAlarms(unittest.TestCase):
    def test_what_no_reference_sees_for_longer_than_a_moment_is_one(self):
        found = lambda label, track, x: {"class": label, "track": track, "box": [x, 0, x + 10, 10]}
        # A person that the reference sees; a face for a second, and one for a moment, that it does not see.
        seen = lambda number: [found("person", 1, 0), found("face", 2, 50)] + [found("face", 3, 80)] * (number < 3)
        frames = [{"time_s": number / 10, "detections": seen(number)} for number in range(11)]
        reference = [{"time_s": number / 10, "detections": [found("person", 7, 2)]} for number in range(11)]
        alarms = false_alarms(frames, [reference])
        self.assertEqual([(alarm.label, alarm.from_s, alarm.to_s) for alarm in alarms], [("face", 0.0, 1.0)])
        self.assertEqual(false_alarms(frames, [reference, frames]), [])


class Packing(unittest.TestCase):
    def test_a_pack_gives_back_what_was_put_in(self):
        with tempfile.TemporaryDirectory() as folder:
            writer = PackWriter(Path(folder), "p")
            pixels = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
            writer.add(pixels, Picture("one", "test", 6, 4, boxes=[[1, 2, 3, 4, 1.0, 80]]))
            writer.add(pixels[:2] + 1, Picture("two", "test", 6, 2))
            writer.close()
            pack = Pack(Path(folder) / "p")
            np.testing.assert_array_equal(pack.pixels(0), pixels)
            np.testing.assert_array_equal(pack.pixels(1), pixels[:2] + 1)
            classes = Classes(["face"], [80])
            self.assertEqual(classes.own(pack.pictures[0].boxes).tolist(), [[1, 2, 3, 4, 1, 0]])

    def test_a_changed_a_missing_and_another_file_are_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            (root / "a1").write_text("one")
            count, sha256 = content_of(root, "a*")
            origin = {"files": "a*", "count": count, "sha256": sha256}
            check_origins(root, [origin])
            for change in (lambda: (root / "a2").write_text(""), (root / "a2").unlink, (root / "a1").unlink):
                change()
                if content_of(root, "a*") != (count, sha256):
                    with self.assertRaises(SystemExit):
                        check_origins(root, [origin])
            (root / "a1").write_text("two")
            self.assertRaises(SystemExit, check_origins, root, [origin])

    def test_pictures_of_a_repository_are_read_from_the_named_commit(self):
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "somebody+things"
            git = lambda *words: subprocess.run(
                ["git", "-C", clone, "-c", "user.name=a", "-c", "user.email=a@localhost", *words],
                check=True, capture_output=True, text=True).stdout.strip()
            for path in ("images", "labels"):
                (clone / path).mkdir(parents=True)
            cv2.imwrite(str(clone / "images" / "a cup.png"), np.full((200, 400, 3), 90, np.uint8))
            (clone / "labels" / "a cup.txt").write_text("1 0.5 0.5 0.5 0.5\n0 0.5 0.5 1 1\n")
            git("init", "-q")
            git("add", ".")
            git("commit", "-qm", "pictures")
            one = Set("s", "somebody/things", git("rev-parse", "HEAD"), "MIT", "LICENSE", "a cup",
                      ["00012 images/a cup.png"], {"1": "cup"})
            git("rm", "-rq", ".")
            git("commit", "-qm", "gone")
            self.assertEqual(pack_public([one], Path(folder), Path(folder), 352), 1)
            picture = Pack(Path(folder) / "public").pictures[0]
            self.assertEqual((picture.name, picture.source, picture.width, picture.height, picture.complete),
                             ("s_00012.jpg", "public_s", 352, 176, [41]))
            self.assertEqual(picture.boxes, [[88, 44, 264, 132, 1, 41]])
            for gone in (["1 images/none.png"], ["1 labels/a cup.txt"]):
                one.files = gone
                self.assertRaises(SystemExit, pack_public, [one], Path(folder), Path(folder), 352)

    def test_unlabelled_pictures_are_found_by_a_pattern_and_copies_of_judging_ones_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            clone = Path(folder) / "somebody+people"
            random = np.random.default_rng(0)
            # Smooth, as photographs are.
            photos = [cv2.resize(random.integers(0, 256, (6, 8, 3), np.uint8), (640, 480)) for _ in range(3)]
            for number, photo in enumerate(photos):
                (clone / "photos").mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(clone / "photos" / f"{number}.jpg"), photo)
            cv2.imwrite(str(clone / "logo.jpg"), photos[0])
            git = lambda *command: subprocess.run(
                ["git", "-C", str(clone), "-c", "user.name=x", "-c", "user.email=x@x", *command],
                check=True, capture_output=True, text=True).stdout.strip()
            git("init", "-q")
            git("add", ".")
            git("commit", "-qm", "pictures")
            one = UnlabelledSet("s", "somebody/people", git("rev-parse", "HEAD"), "MIT", "LICENSE", "", "photos/.*")
            known = Known([cv2.resize(photos[1], (320, 240))])
            self.assertEqual(pack_unlabelled([one], Path(folder), Path(folder), 352, known), 2)
            pictures = Pack(Path(folder) / "unlabelled").pictures
            self.assertEqual([picture.name for picture in pictures], ["unlabelled_s_00000.jpg", "unlabelled_s_00002.jpg"])
            self.assertFalse(pictures[0].labelled)

    def test_label_files(self):
        self.assertEqual(labels_path("a/images/b.c.jpg"), "a/labels/b.c.txt")
        polygon = "0 0.1 0.1 0.2 0.2 0.3 0.3\n"
        self.assertEqual(boxes_of(polygon + "0 0.5 0.5 0.2 0.4", {0: 80}, 100, 50), [[40, 15, 60, 35, 1, 80]])

    def test_each_public_set_has_its_origin(self):
        for one in read_list():
            self.assertRegex(one.commit, "^[0-9a-f]{40}$")
            self.assertTrue(one.files and one.licence and one.repository.count("/") == 1, one.prefix)
            self.assertEqual(len(one.files), len(set(one.files)), one.prefix)
            self.assertIsInstance(one.classes, dict)
        for one in read_unlabelled_list():
            self.assertRegex(one.commit, "^[0-9a-f]{40}$")
            self.assertTrue(one.pattern and one.licence and one.licence_file, one.prefix)

    def test_the_same_pictures_are_held_out_everywhere(self):
        held_out = [is_held_out(f"{number}.jpg", 0.05) for number in range(2000)]
        self.assertEqual(held_out, [is_held_out(f"{number}.jpg", 0.05) for number in range(2000)])
        self.assertTrue(60 < sum(held_out) < 140)


if __name__ == "__main__":
    unittest.main()
