"""Tests of the distillation: a teacher's own answer costs nothing, two teachers are put together cell by cell."""

import os
import tempfile
import unittest
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch

from dataset import Batches, Classes, to_tensor
from distillation import KEPT_BATCHES, Answers, FaceTeacher, Teacher, distillation_loss, echoed
from from_onnx import labels_of
from loss import aligned_iou
from network import BINS, boxes_at, priors
from packs import FACE, PackWriter, Picture
from train import FINAL_SIZE


class Distilling(unittest.TestCase):
    def taught(self, answer: torch.Tensor, known: list[int]) -> Answers:
        classes = answer[..., : -4 * BINS].sigmoid()[..., known]
        bins = answer[..., -4 * BINS :].unflatten(2, (4, BINS)).softmax(3)
        return Answers(known, classes, bins)

    def test_the_teachers_own_answer_costs_nothing_and_any_other_something(self):
        torch.manual_seed(0)
        right = torch.randn(2, 50, 3 + 4 * BINS)
        taught = self.taught(right, [0, 2])
        self.assertAlmostEqual(distillation_loss(right, taught)[0].item(), 0, places=4)
        for column in (0, 2, 5):
            wrong = right.clone()
            wrong[..., column] += 1
            self.assertGreater(distillation_loss(wrong, taught)[0].item(), 0.005)
        # The teacher has not this class.
        other = right.clone()
        other[..., 1] += 1
        self.assertAlmostEqual(distillation_loss(other, taught)[0].item(), 0, places=4)

    def test_of_two_teachers_each_cell_has_the_box_of_the_surer_one(self):
        torch.manual_seed(0)
        answer = torch.randn(2, 50, 3 + 4 * BINS)
        first, second = self.taught(answer, [0, 2]), self.taught(torch.randn_like(answer), [1])
        both = first.together(second)
        self.assertEqual(both.known, [0, 2, 1])
        torch.testing.assert_close(both.classes, torch.cat([first.classes, second.classes], 2))
        surer = second.classes[..., 0] > first.classes.amax(2)
        self.assertTrue(surer.any() and not surer.all())
        torch.testing.assert_close(both.bins[surer], second.bins[surer])
        torch.testing.assert_close(both.bins[~surer], first.bins[~surer])

    def test_the_released_model_teaches_faces_as_its_file_finds_them(self):
        torch.manual_seed(0)
        pixels = torch.randint(0, 255, (1, *FINAL_SIZE, 3), dtype=torch.uint8)
        path = Path(__file__).parents[1] / "embedded.onnx"
        taught = FaceTeacher(path, [0, FACE], pixels)(pixels)
        self.assertEqual(taught.known, [1])
        session = onnxruntime.InferenceSession(path)
        answer = torch.from_numpy(session.run(None, {"images": to_tensor(pixels).contiguous().numpy()})[0])
        column = labels_of(path).index("face")
        torch.testing.assert_close(taught.classes[..., 0], answer[..., column], rtol=0.02, atol=1e-4)
        bins = answer[..., -4 * BINS :].unflatten(2, (4, BINS)).softmax(3)
        torch.testing.assert_close(taught.bins, bins, rtol=0.02, atol=0.01)

    def test_batches_of_unlabelled_pictures_have_no_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            writer = PackWriter(Path(folder) / "packs", "some")
            for number, labelled in enumerate((True, False, False)):
                grey = np.full((50, 60, 3), 100 * number, np.uint8)
                writer.add(grey, Picture(f"{number}.jpg", "x", 60, 50, labelled=labelled))
            writer.close()
            batches = lambda labelled: Batches(Path(folder), Classes(["person"], [0]), 4, (96, 128), 0.0, (1,), labelled)
            self.assertEqual([len(batches(labelled)) for labelled in (True, False)], [1, 2])
            self.assertIsNone(next(iter(batches(False)))[1])
            self.assertIsNotNone(next(iter(batches(True)))[1])

    def test_each_batch_is_used_several_times_with_its_own_answers(self):
        batches = ((torch.full((1,), number), None) for number in range(10 * KEPT_BATCHES))
        used = [(int(pixels), int(taught)) for pixels, _, taught in
                echoed(batches, lambda pixels: pixels * 10, 4, np.random.default_rng(0))]
        self.assertTrue(all(taught == 10 * pixels for pixels, taught in used))
        counts = np.bincount([pixels for pixels, _ in used], minlength=10 * KEPT_BATCHES)
        self.assertEqual(counts.max(), 4)
        # The last batches are still kept when the source ends.
        self.assertGreater((counts[: 2 * KEPT_BATCHES] == 4).mean(), 0.95)
        neighbours = [a == b for (a, _), (b, _) in zip(used, used[1:])]
        self.assertLess(np.mean(neighbours), 0.3)

    def test_a_teacher_finds_the_same_in_a_smaller_picture(self):
        shared = os.environ.get("CARRIER_SHARED")
        if not shared:
            self.skipTest("CARRIER_SHARED is not set, so there is no teacher")
        boxes = []
        pixels = cv2.imread(f"{shared}/media/person.jpg")
        for size in ((416, 416), (224, 288)):
            small = torch.from_numpy(cv2.resize(pixels, size[::-1]))[None]
            taught = Teacher(Path(shared, "models/nanodet_plus_m_1.5x_416.onnx"), [80, 0], 1)(small.repeat(5, 1, 1, 1))
            self.assertEqual(taught.known, [1])
            self.assertEqual(tuple(taught.classes.shape), (5, len(priors(*size)), 1))
            torch.testing.assert_close(taught.classes[0], taught.classes[4])
            best = int(taught.classes[0].argmax())
            self.assertGreater(taught.classes[0].max().item(), 0.6)
            distances = (taught.bins[0, best] * torch.arange(BINS)).sum(1)
            boxes.append(boxes_at(priors(*size)[best], distances) / torch.tensor([*size[::-1]] * 2))
        self.assertGreater(aligned_iou(*boxes).item(), 0.8)


if __name__ == "__main__":
    unittest.main()
