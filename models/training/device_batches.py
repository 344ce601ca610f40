"""Batches that are made on the device, for a GPU that would wait for processors otherwise: all pictures lie in its
memory, and whole batches are augmented at once, in the way of augment.py with the same limits.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

import augment
from dataset import PASTED_SHARE, Batches

# The luma table of JPEG (ITU-T T.81, annex K.1).
JPEG_TABLE = torch.tensor([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51, 87,
    80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92,
    95, 98, 112, 100, 103, 99]).float().view(8, 8)
GREY = 114.0
BGR_TO_GREY = (0.114, 0.587, 0.299)


class Store:
    """Every picture that is trained with, in a square of the longest side, in the device's memory."""

    def __init__(self, source: Batches, device: torch.device):
        self.sizes = torch.tensor([
            [source.packs[pack].pictures[index].width, source.packs[pack].pictures[index].height]
            for pack, index in source.places
        ]).float().to(device)
        self.side = int(self.sizes.max()) + 1 & ~1
        self.pixels = torch.full((len(source), 3, self.side, self.side), int(GREY), dtype=torch.uint8, device=device)
        for number, (pack, index) in enumerate(source.places):
            pixels = torch.from_numpy(source.packs[pack].pixels(index).copy()).permute(2, 0, 1)
            self.pixels[number, :, : pixels.shape[1], : pixels.shape[2]] = pixels.to(device)


class DeviceBatches:
    """Endless, as Batches: pictures uint8 B x H x W x 3, and rows for `to_truth`."""

    def __init__(self, source: Batches, store: Store):
        self.store, self.batch, self.size, self.mosaics = store, source.batch, source.size, source.mosaics
        self.device = device = store.pixels.device
        self.random = torch.Generator(device).manual_seed(hash(source.seed) % 2**62)
        self.chance = torch.from_numpy(source.chance).float().to(device)
        # P x most boxes x 6; a label of -1 fills up.
        self.rows = torch.full((len(source.rows), max(map(len, source.rows)), 6), -1.0)
        for number, rows in enumerate(source.rows):
            self.rows[number, : len(rows)] = torch.from_numpy(rows)
        self.rows = self.rows.to(device)
        things = source.cutouts
        self.cut = torch.from_numpy(things.cut).permute(0, 3, 1, 2).to(device)
        self.aspect, self.label = torch.from_numpy(things.aspect).to(device), torch.from_numpy(things.label).to(device)
        self.cut_chance = torch.from_numpy(things.chance.cumsum()).float().to(device)

    def __iter__(self):
        while True:
            yield self.make()

    def uniform(self, *shape: int, low: float | Tensor = 0.0, high: float | Tensor = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(shape, generator=self.random, device=self.device)

    def some(self, share: float) -> Tensor:
        """The numbers of about this share of the batch."""
        return torch.nonzero(self.uniform(self.batch) < share).flatten()

    @torch.no_grad()
    def make(self) -> tuple[Tensor, Tensor]:
        pixels, rows = self.placed()
        if len(self.label):
            pixels, rows = self.pasted(pixels, rows, self.some(PASTED_SHARE))
        pixels = self.degraded(self.recoloured(pixels))
        picture, place = torch.nonzero(rows[..., 5] >= 0, as_tuple=True)
        rows = torch.cat([picture[:, None], rows[picture, place]], 1)
        return pixels.round().clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous(), rows

    def placed(self) -> tuple[Tensor, Tensor]:
        """A mosaic of four pictures, or one; a single picture is a mosaic whose first window is everything."""
        batch, (height, width) = self.batch, self.size
        mosaic = self.uniform(batch) < self.mosaics
        x = torch.where(mosaic, (self.uniform(batch, low=0.3, high=0.7) * width).floor(), width)
        y = torch.where(mosaic, (self.uniform(batch, low=0.3, high=0.7) * height).floor(), height)
        zero, right, bottom = torch.zeros_like(x), torch.full_like(x, width), torch.full_like(y, height)
        windows = torch.stack([torch.stack(sides, 1) for sides in (
            (zero, zero, x, y), (x, zero, right, y), (zero, y, x, bottom), (x, y, right, bottom))], 1)
        numbers = torch.searchsorted(self.chance, self.uniform(batch, 4)).clamp(max=len(self.chance) - 1)
        sizes = self.store.sizes[numbers]
        room = (windows[..., 2:] - windows[..., :2]).clamp(min=1)
        # As augment.fitting.
        fit = room / sizes
        shape = self.uniform(batch, 4, 1)
        fit = torch.where(shape < 0.5, fit, torch.where(shape < 0.75, fit.amin(-1, True), fit.prod(-1, True).sqrt()))
        low = torch.where(mosaic, math.log(0.8), math.log(0.6))[:, None]
        high = torch.where(mosaic, math.log(2.2), math.log(1.6))[:, None]
        aspect = self.uniform(batch, 4, low=-0.15, high=0.15).exp()
        scale = fit * self.uniform(batch, 4, low=low, high=high).exp()[..., None] * torch.stack([aspect, 1 / aspect], -1)
        shift = windows[..., :2] + (room - sizes * scale) * self.uniform(batch, 4, 2)
        mirror = self.uniform(batch, 4) < 0.5
        pixels = torch.full((batch, 3, height, width), GREY, device=self.device)
        for slot in range(4):
            used = torch.arange(batch, device=self.device) if slot == 0 else torch.nonzero(mosaic).flatten()
            draw = lambda values: values[used, slot]
            self.draw(pixels, used, draw(numbers), draw(windows), draw(scale), draw(shift), draw(mirror))
        rows = self.rows[numbers]
        boxes = rows[..., :4]
        mirrored = boxes[..., [2, 1, 0, 3]] * torch.tensor([-1.0, 1, -1, 1], device=self.device)
        mirrored[..., 0::2] += sizes[..., None, :1]
        boxes = torch.where(mirror[..., None, None], mirrored, boxes)
        boxes = boxes * scale.repeat(1, 1, 2)[:, :, None] + shift.repeat(1, 1, 2)[:, :, None]
        whole = (boxes[..., 2:] - boxes[..., :2]).prod(-1)
        low, high = windows[:, :, None, :2].repeat(1, 1, 1, 2), windows[:, :, None, 2:].repeat(1, 1, 1, 2)
        boxes = torch.minimum(torch.maximum(boxes, low), high)
        sides = boxes[..., 2:] - boxes[..., :2]
        unsure = (sides.amin(-1) < augment.LEAST_SIDE_PX) | (sides.prod(-1) < augment.LEAST_VISIBLE * whole)
        trust = rows[..., 4].masked_fill(unsure, 0)
        label = rows[..., 5].masked_fill(~(sides > 1).all(-1), -1)
        return pixels, torch.cat([boxes, trust[..., None], label[..., None]], -1).flatten(1, 2)

    def draw(self, pixels: Tensor, used: Tensor, numbers: Tensor, window: Tensor, scale: Tensor, shift: Tensor,
             mirror: Tensor) -> None:
        """Draws one window of the used pictures of the batch."""
        if not len(used):
            return
        (height, width), side = self.size, self.store.side
        source = self.store.pixels[numbers].float()
        # Bilinear interpolation skips pixels below half size.
        small = torch.nonzero(scale.amin(-1) < 0.5).flatten()
        source[small] = F.interpolate(F.avg_pool2d(source[small], 2), scale_factor=2, mode="bilinear")
        x = (torch.arange(width, device=self.device) + 0.5).expand(len(used), width)
        y = (torch.arange(height, device=self.device) + 0.5).expand(len(used), height)
        size = self.store.sizes[numbers]
        u, v = (x - shift[:, :1]) / scale[:, :1], (y - shift[:, 1:]) / scale[:, 1:]
        u = torch.where(mirror[:, None], size[:, :1] - u, u)
        wide = (x > window[:, :1]) & (x < window[:, 2:3]) & (u > 0) & (u < size[:, :1])
        high = (y > window[:, 1:2]) & (y < window[:, 3:]) & (v > 0) & (v < size[:, 1:])
        grid = torch.stack(torch.broadcast_tensors(u[:, None, :], v[:, :, None]), -1) * (2 / side) - 1
        drawn = F.grid_sample(source, grid, align_corners=False, padding_mode="border")
        pixels[used] = torch.where((wide[:, None, :] & high[:, :, None])[:, None], drawn, pixels[used])

    def pasted(self, pixels: Tensor, rows: Tensor, used: Tensor) -> tuple[Tensor, Tensor]:
        """As augment.pasted, without motion."""
        count, (height, width) = len(used), self.size
        number = torch.searchsorted(self.cut_chance, self.uniform(count)).clamp(max=len(self.label) - 1)
        low, high = map(math.log, augment.PASTED_SIDE)
        side = height * self.uniform(count, low=low, high=high).exp()
        half = torch.stack([side * self.aspect[number].sqrt(), side / self.aspect[number].sqrt()], 1) / 2
        # In front of a random person, or anywhere.
        own = rows[used]
        person = ((own[..., 5] == 0) & (own[..., 4] > 0)) * self.uniform(count, own.shape[1])
        which = person.argmax(1)
        everywhere = torch.tensor([0.0, 0, width, height], device=self.device)
        theirs = own[torch.arange(count, device=self.device), which, :4]
        area = torch.where(person.amax(1)[:, None] > 0, theirs, everywhere)
        middle = area[:, :2] + (area[:, 2:] - area[:, :2]) * self.uniform(count, 2)
        angle = torch.randn(count, generator=self.random, device=self.device) * augment.PASTED_ANGLE
        mirror = torch.where(self.uniform(count) < 0.5, -1.0, 1.0)
        x = torch.arange(width, device=self.device) + 0.5 - middle[:, :1]
        y = torch.arange(height, device=self.device) + 0.5 - middle[:, 1:]
        x, y = torch.broadcast_tensors(x[:, None, :], y[:, :, None])
        cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
        u = (cos * x + sin * y) / half[:, 0, None, None] * mirror[:, None, None]
        v = (cos * y - sin * x) / half[:, 1, None, None]
        drawn = F.grid_sample(self.cut[number].float(), torch.stack([u, v], -1), align_corners=False)
        mask = drawn[:, 3:] / 255
        light = (drawn[:, :3] * self.uniform(count, 1, 1, 1, low=0.7, high=1.3)).clamp(0, 255)
        seen = mask[:, 0] > 0.5
        pixels[used] = pixels[used] * (1 - mask) + light * mask
        columns, lines = seen.any(1), seen.any(2)
        first = lambda where: where.float().argmax(1)
        right, bottom = width - first(columns.flip(1)), height - first(lines.flip(1))
        box = torch.stack([first(columns), first(lines), right, bottom], 1).float()
        filled = (self.cut[number, 3] > 127).float().mean((1, 2)) * 4 * half.prod(1)
        small = (box[:, 2:] - box[:, :2]).amin(1) < augment.LEAST_SIDE_PX
        unsure = small | (seen.sum((1, 2)) < augment.LEAST_VISIBLE * filled)
        there = torch.where(seen.sum((1, 2)) >= 20, self.label[number], -1)
        both = torch.minimum(own[..., 2:4], box[:, None, 2:]) - torch.maximum(own[..., :2], box[:, None, :2])
        hidden = both.clamp(min=0).prod(-1) > augment.MOST_HIDDEN * (own[..., 2:4] - own[..., :2]).prod(-1)
        rows[used, :, 4] = own[..., 4].masked_fill(hidden & (there >= 0)[:, None], 0)
        more = torch.full((len(rows), 1, 6), -1.0, device=self.device)
        more[used, 0] = torch.cat([box, (~unsure).float()[:, None], there.float()[:, None]], 1)
        return pixels, torch.cat([rows, more], 1)

    def recoloured(self, pixels: Tensor) -> Tensor:
        one = (self.batch, 1, 1, 1)
        gamma = self.uniform(*one, low=-0.4, high=0.4).exp()
        contrast, brightness = self.uniform(*one, low=0.7, high=1.3), self.uniform(*one, low=-0.12, high=0.12)
        most = torch.where(self.uniform(*one) < augment.WRONG_WHITE, augment.WRONG_GAIN, augment.RIGHT_GAIN)
        gain = 1 + most * self.uniform(self.batch, 3, 1, 1, low=-1.0, high=1.0)
        pixels = ((((pixels / 255).clamp(0, 1) ** gamma - 0.5) * contrast + 0.5 + brightness) * gain).clamp(0, 1) * 255
        saturation = torch.where(self.uniform(*one) < 0.03, 0.0, self.uniform(*one, low=0.5, high=1.5))
        grey = (pixels * torch.tensor(BGR_TO_GREY, device=self.device).view(1, 3, 1, 1)).sum(1, True)
        return (grey + (pixels - grey) * saturation).clamp(0, 255)

    def degraded(self, pixels: Tensor) -> Tensor:
        for side in (3, 5):
            smooth = torch.full((side,), 1 / side, device=self.device)
            alone = F.one_hot(torch.tensor(side // 2, device=self.device), side).float()
            for down, across, share in ((smooth, smooth, 0.025), (smooth, alone, 0.0125), (alone, smooth, 0.0125)):
                used = self.some(share)
                kernel = torch.outer(down, across).expand(3, 1, side, side)
                pixels[used] = F.conv2d(pixels[used], kernel, padding=side // 2, groups=3)
        used = self.some(0.1)
        pixels[used] += self.uniform(*pixels[used].shape, low=-12.0, high=12.0)
        used = self.some(0.15)
        pixels[used] = self.compressed(pixels[used], self.uniform(len(used), low=25.0, high=80.0))
        return pixels

    def compressed(self, pixels: Tensor, quality: Tensor) -> Tensor:
        """What JPEG loses: the frequencies of blocks of 8 x 8 are rounded. Colours as finely as brightness."""
        scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
        step = (JPEG_TABLE.to(self.device) * scale[:, None, None]).clamp(min=1)[:, None, None, None]
        place = torch.arange(8, device=self.device).float()
        basis = torch.cos((2 * place[None] + 1) * place[:, None] * math.pi / 16) / 2
        basis[0] /= 2**0.5
        blocks = (pixels - 128).unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).transpose(3, 4)
        kept = (basis @ blocks @ basis.T / step).round() * step
        return (basis.T @ kept @ basis).transpose(3, 4).flatten(4, 5).flatten(2, 3) + 128
