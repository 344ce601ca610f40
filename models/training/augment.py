"""Data augmentation: mosaics, scales, colours, and the defects of webcams.

Pure: a picture and a random generator in, a picture out. Boxes are rows `[x1, y1, x2, y2, score,
class]`; everything stays uint8 until it is a tensor.
"""

import cv2
import numpy as np

# The share of a box that must remain visible when a border cuts it.
LEAST_VISIBLE = 0.25
LEAST_SIDE_PX = 3.0
# A pasted thing's side, as a share of the picture's height, and its angle (standard deviation, radians).
PASTED_SIDE, PASTED_ANGLE = (0.12, 0.6), 0.3
MOST_HIDDEN = 0.6
RIGHT_GAIN, WRONG_GAIN, WRONG_WHITE = 0.12, 0.3, 0.15


def placed(canvas: np.ndarray, pixels: np.ndarray, rows: np.ndarray, window: tuple, matrix: tuple, mirror: bool) -> np.ndarray:
    """Draws `pixels`, scaled by (sx, sy) and shifted by (tx, ty), into a window of the canvas; gives
    the boxes that are still visible there."""
    left, top, right, bottom = window
    sx, sy, tx, ty = matrix
    width = pixels.shape[1]
    if mirror:
        affine = np.array([[-sx, 0, tx + sx * width], [0, sy, ty]], np.float64)
    else:
        affine = np.array([[sx, 0, tx], [0, sy, ty]], np.float64)
    source, factor = pixels, 1.0
    # Bilinear interpolation skips pixels below half size, so that the picture is halved by area first.
    if min(sx, sy) < 0.5:
        source = cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        factor = pixels.shape[1] / source.shape[1]
        affine[:, :2] *= factor
    # Boxes are measured from the edges of pixels, OpenCV's matrices from their centres.
    affine[:, 2] += (affine[0, 0] - 1) / 2 - left, (affine[1, 1] - 1) / 2 - top
    cv2.warpAffine(source, affine, (right - left, bottom - top), dst=canvas[top:bottom, left:right],
                   flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT)
    if not len(rows):
        return rows
    moved = rows.copy()
    if mirror:
        moved[:, [0, 2]] = width - rows[:, [2, 0]]
    moved[:, :4] = moved[:, :4] * (sx, sy, sx, sy) + (tx, ty, tx, ty)
    whole = np.prod(moved[:, 2:4] - moved[:, :2], axis=1)
    moved[:, [0, 2]] = np.clip(moved[:, [0, 2]], left, right)
    moved[:, [1, 3]] = np.clip(moved[:, [1, 3]], top, bottom)
    sides = moved[:, 2:4] - moved[:, :2]
    seen = np.prod(sides, axis=1) >= LEAST_VISIBLE * whole
    # Too small to be learned, but not background either: score 0 excludes it from the loss.
    moved[(sides.min(1) < LEAST_SIDE_PX) | ~seen, 4] = 0
    return moved[(sides > 1).all(1)]


def fitting(shape: tuple, width: float, height: float, random: np.random.Generator, low: float, high: float) -> tuple:
    """Scales that fit the picture into width x height: stretched as the program does it in half
    of the cases, else with the aspect ratio kept; jittered."""
    fit_x, fit_y = width / shape[1], height / shape[0]
    if random.random() < 0.5:
        fit_x = fit_y = min(fit_x, fit_y) if random.random() < 0.5 else (fit_x * fit_y) ** 0.5
    scale = np.exp(random.uniform(np.log(low), np.log(high)))
    aspect = np.exp(random.uniform(-0.15, 0.15))
    return fit_x * scale * aspect, fit_y * scale / aspect


def single(pixels: np.ndarray, rows: np.ndarray, size: tuple, random: np.random.Generator) -> tuple:
    height, width = size
    canvas = np.full((height, width, 3), 114, np.uint8)
    sx, sy = fitting(pixels.shape, width, height, random, 0.6, 1.6)
    # A random crop of a larger picture, a random position of a smaller one.
    spare_x, spare_y = width - pixels.shape[1] * sx, height - pixels.shape[0] * sy
    matrix = (sx, sy, random.uniform(min(0, spare_x), max(0, spare_x)), random.uniform(min(0, spare_y), max(0, spare_y)))
    return canvas, placed(canvas, pixels, rows, (0, 0, width, height), matrix, random.random() < 0.5)


def mosaic(four: list, size: tuple, random: np.random.Generator) -> tuple:
    """Four pictures around a random point (Bochkovskiy et al., YOLOv4, 2020)."""
    height, width = size
    canvas = np.full((height, width, 3), 114, np.uint8)
    x, y = int(random.uniform(0.3, 0.7) * width), int(random.uniform(0.3, 0.7) * height)
    windows = [(0, 0, x, y), (x, 0, width, y), (0, y, x, height), (x, y, width, height)]
    found = []
    for window, (pixels, rows) in zip(windows, four):
        left, top, right, bottom = window
        sx, sy = fitting(pixels.shape, right - left, bottom - top, random, 0.8, 2.2)
        spare_x, spare_y = right - left - pixels.shape[1] * sx, bottom - top - pixels.shape[0] * sy
        matrix = (sx, sy, left + spare_x * random.random(), top + spare_y * random.random())
        found.append(placed(canvas, pixels, rows, window, matrix, random.random() < 0.5))
    return canvas, np.concatenate(found)


def pasted(pixels: np.ndarray, rows: np.ndarray, cut: np.ndarray, aspect: float, label: int,
           random: np.random.Generator) -> tuple:
    """The picture with a cut-out thing (see cutouts.py), as if held up before a webcam (Dwibedi et al., Cut, Paste and
    Learn, 2017): turned, in its own light, sometimes moving; in front of somebody if anybody is there."""
    height, width = pixels.shape[:2]
    side = height * np.exp(random.uniform(*np.log(PASTED_SIDE)))
    half = np.array([side * aspect**0.5, side * aspect**-0.5]) / 2
    people = rows[(rows[:, 5] == 0) & (rows[:, 4] > 0)]
    area = people[random.integers(len(people)), :4] if len(people) else np.array([0, 0, width, height])
    middle = random.uniform(area[:2], area[2:])
    angle = random.normal(0, PASTED_ANGLE)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    size = len(cut)
    affine = turn @ np.diag(2 * half / size) @ np.diag([random.choice([-1, 1]), 1])
    affine = np.column_stack([affine, middle - affine @ [size / 2, size / 2]])
    drawn = cv2.warpAffine(cut, affine, (width, height), flags=cv2.INTER_AREA if side < size / 2 else cv2.INTER_LINEAR)
    light = np.clip(drawn[..., :3] * random.uniform(0.7, 1.3), 0, 255)
    mask = drawn[..., 3] / np.float32(255)
    y, x = np.nonzero(mask > 0.5)
    if len(x) < 20:
        return pixels, rows
    if random.random() < 0.3:
        blur = (int(random.integers(2, 9)), 1) if random.random() < 0.7 else (1, int(random.integers(2, 9)))
        light, mask = cv2.blur(light * mask[..., None], blur), cv2.blur(mask, blur)
        light = light / np.maximum(mask, 1e-3)[..., None]
    mask = cv2.GaussianBlur(mask, (3, 3), 0)[..., None]
    box = np.array([x.min(), y.min(), x.max() + 1, y.max() + 1], np.float32)
    both = (np.minimum(rows[:, 2:4], box[2:]) - np.maximum(rows[:, :2], box[:2])).clip(0).prod(1)
    rows = rows.copy()
    # What it hides for the most part is neither an object nor background any more.
    rows[both > MOST_HIDDEN * (rows[:, 2:4] - rows[:, :2]).prod(1), 4] = 0
    cut_off = len(x) < LEAST_VISIBLE * (cut[..., 3] > 127).mean() * 4 * half.prod()
    row = np.array([[*box, 0.0 if cut_off or (box[2:] - box[:2]).min() < LEAST_SIDE_PX else 1.0, label]], np.float32)
    return (pixels * (1 - mask) + light * mask).astype(np.uint8), np.concatenate([rows, row])


def recoloured(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, gamma and each channel's gain by one lookup table a channel; then saturation."""
    ramp = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(random.uniform(-0.4, 0.4))
    contrast, brightness = random.uniform(0.7, 1.3), random.uniform(-0.12, 0.12)
    # Now and then the white balance is plainly wrong.
    most = WRONG_GAIN if random.random() < WRONG_WHITE else RIGHT_GAIN
    table = np.empty((256, 1, 3), np.float32)
    for channel in range(3):
        gain = random.uniform(1 - most, 1 + most)
        table[:, 0, channel] = ((ramp**gamma - 0.5) * contrast + 0.5 + brightness) * gain
    pixels = cv2.LUT(pixels, (np.clip(table, 0, 1) * 255).astype(np.uint8))
    saturation = 0.0 if random.random() < 0.03 else random.uniform(0.5, 1.5)
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(pixels, saturation, grey, 1 - saturation, 0)


def degraded(pixels: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Defects of cheap webcams: blur, noise, strong JPEG compression."""
    if random.random() < 0.1:
        side = int(random.choice([3, 5]))
        if random.random() < 0.5:
            pixels = cv2.GaussianBlur(pixels, (side, side), 0)
        else:
            kernel = np.zeros((side, side), np.float32)
            kernel[side // 2, :] = 1 / side
            pixels = cv2.filter2D(pixels, -1, kernel if random.random() < 0.5 else kernel.T)
    if random.random() < 0.1:
        noise = random.integers(-12, 13, pixels.shape, np.int16)
        pixels = np.clip(pixels.astype(np.int16) + noise, 0, 255).astype(np.uint8)
    if random.random() < 0.15:
        quality = int(random.integers(25, 80))
        pixels = cv2.imdecode(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    return pixels
