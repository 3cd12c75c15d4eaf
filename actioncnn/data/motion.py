"""Objects whose motion, and nothing else, tells the class: the drawing of the demo's videos.

Three objects drift, turn and breathe in front of a 1/f texture. Their state lives on a torus (place, angle, phase of
size) and starts uniformly; the class says only which coordinate advances, and in which direction. A uniform state
stays uniform, so frames at any time t are distributed alike in all 8 classes: a single frame tells nothing.
- Place wraps around at the border of the frame.
- Size runs from small to large while opacity goes 0 -> 1 -> 0, with the objects evenly spaced in phase, so that growth
  never ends and never jumps: the visual form of a Shepard tone (Shepard 1964, Circularity in Judgments of Pitch).
- There is no motion blur: it would tell the direction.
The scene (background, light, objects) belongs to the group and is the same in all classes; a clip draws start, speed,
camera drift and noise.
"""

import cv2
import numpy as np

# class -> coordinate of the state (x, y, angle, size) that advances, and its sign; y points down, so + turns clockwise
CLASSES = {
    "Grow": (3, 1),
    "MoveDown": (1, 1),
    "MoveLeft": (0, -1),
    "MoveRight": (0, 1),
    "MoveUp": (1, -1),
    "Shrink": (3, -1),
    "TurnClockwise": (2, 1),
    "TurnCounterclockwise": (2, -1),
}
HEIGHT = 120  # pixels
WIDTH = 160  # pixels
FRAMES = 25  # of a clip
SPEED = ((0.35, 0.7), (0.35, 0.7), (0.5, 1.05), (0.35, 0.7))  # least and most of each coordinate, in cycles a clip:
# with 10 frames read at 32 x 32, 1.1-2.2 pixels, 18-38 degrees or 5-10 % a step
DRIFT = 0.05  # cycles a clip, at most: the camera is slower than any object
SMALLEST = 0.125  # half length at the start of the size cycle, over the frame's shorter side
GROWTH = 4.0  # largest over smallest
OBJECTS = 3  # one of three phases a third apart always has an opacity of .75 or more
SPRITE = 96  # pixels, side of the picture of an object: as large as it ever appears in a video


def texture(rng, height, width, channels):
    """Periodic texture of natural images, float32 (height, width, channels), mean 0, standard deviation about 1.

    Amplitude falls as about 1/f (Field, 1987); the channels share 90 % of their variance: nature is mostly gray.
    """
    fy, fx = np.fft.fftfreq(height)[:, None] * height, np.fft.rfftfreq(width) * width
    falloff = 1 / np.maximum(np.hypot(fy, fx), 1) ** rng.uniform(0.9, 1.4)
    falloff[0, 0] = 0
    planes = []
    for _ in range(1 if channels == 1 else 1 + channels):
        spectrum = np.fft.rfft2(rng.standard_normal((height, width))) * falloff
        plane = np.fft.irfft2(spectrum, (height, width))
        planes.append(plane / plane.std())
    shared, own = planes[0], planes[1:]
    planes = [0.95 * shared + 0.31 * plane for plane in own] or [shared]
    return np.stack(planes, -1).astype(np.float32)


def _mirrored(points):
    """Corners of a shape that is the same on both sides of the x axis, from those of its lower half."""
    return np.array([*points, *((x, -y) for x, y in reversed(points))])


def _crescent(_, narrow):
    half = TURN[:31]
    x, y = np.cos([*half, *half[::-1]]), np.sin([*half, *half[::-1]]) * np.repeat([0.9, 0.9 - 1.4 * narrow], 31)
    return np.stack([x, y - 0.5 + 0.5 * narrow], -1) * 0.9


def _star(rng, narrow):
    """A crooked star, flattened."""
    radius = np.where(np.arange(10) % 2, 0.5, 1) * rng.uniform(0.8, 1, 10)
    corner = np.arange(10) * 2 * np.pi / 10
    return np.stack([radius * np.cos(corner), 1.3 * narrow * radius * np.sin(corner)], -1)


TURN = np.linspace(0, 2 * np.pi, 60, endpoint=False)
# Shapes of things: function(rng, narrow) -> corners (n, 2) in the unit circle. Without a choice, one of the first
# SIMPLE is drawn; the others are for things that are part of the class.
SHAPES = {
    "Ellipse": lambda _, narrow: np.stack([np.cos(TURN), narrow * np.sin(TURN)], -1),
    "Rectangle": lambda _, narrow: np.array([[-1, -narrow], [1, -narrow], [1, narrow], [-1, narrow]]) * 0.9,
    "Triangle": lambda _, narrow: np.array([[-0.8, -narrow - 0.1], [1, 0], [-0.8, narrow + 0.1]]),
    "Arrow": lambda _, narrow: _mirrored(
        [(-1, -narrow / 2), (0.1, -narrow / 2), (0.1, -narrow - 0.2), (1, 0)],
    ),
    "Crescent": _crescent,
    "Star": _star,
    "Cross": lambda _, narrow: _mirrored(
        [(-1, -narrow / 3), (0, -narrow / 3), (0, -0.7), (0.4, -0.7), (0.4, -narrow / 3), (1, -narrow / 3)],
    ),
    "Hourglass": lambda _, narrow: _mirrored([(-0.9, -narrow - 0.1), (0, -0.08), (0.9, -narrow - 0.1)]),
    "Hook": lambda _, narrow: np.array(
        [(-1, -0.2), (0.9, -0.2), (0.9, 0.8 * narrow + 0.2), (0.4, 0.8 * narrow + 0.2), (0.4, 0.15), (-1, 0.15)]
    ),
    "Fork": lambda _, narrow: _mirrored(
        [(-1, -0.12), (0, -0.12), (0, -narrow - 0.2), (0.85, -narrow - 0.2), (0.85, -0.2), (0.25, -0.2)],
    ),
    "Dumbbell": lambda _, narrow: _mirrored(
        [(-0.9, -narrow), (-0.35, -narrow), (-0.35, -0.1), (0.35, -0.1), (0.35, -narrow), (0.9, -narrow)],
    ),
    "Hammer": lambda _, narrow: _mirrored([(-1, -0.12), (0.35, -0.12), (0.35, -0.7), (narrow + 0.35, -0.7)]),
    "Bolt": lambda _, narrow: np.array(
        [(-0.95, -narrow), (0.15, -narrow), (0.15, 0), (0.95, narrow), (-0.15, narrow), (-0.15, 0)]
    ),
}  # fmt: skip
SIMPLE = list(SHAPES)[:6]


def outline(rng, shape=None):
    """Corners (n, 2) of a shape in the unit circle: elongated, so that its angle shows in 32 x 32 pixels.

    shape: a name of SHAPES; by default one of SIMPLE is drawn.
    """
    narrow, number = rng.uniform(0.3, 0.45), rng.integers(len(SIMPLE))
    return SHAPES[shape or SIMPLE[number]](rng, narrow)


def make_objects(rng, channels, sign=1, shape=None):
    """OBJECTS sprites, float32 (SPRITE, SPRITE, channels + 1): brightness over the background's mean, and opacity.

    sign -1: darker than the background. shape: a name of SHAPES for all of them; by default each draws one of SIMPLE.
    """
    objects = []
    for _ in range(OBJECTS):
        mask = np.zeros((SPRITE, SPRITE), np.uint8)
        corners = (outline(rng, shape) * 0.46 * SPRITE + SPRITE / 2 - 0.5) * 16
        cv2.fillPoly(mask, [np.round(corners).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
        opacity = cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32) / 255
        tone = rng.uniform(0.5, 0.8) + 0.12 * rng.standard_normal(channels) * (channels > 1)
        surface = sign * tone + 0.06 * texture(rng, SPRITE, SPRITE, channels)
        objects.append(np.dstack([surface, opacity]).astype(np.float32))
    return objects


def trajectory(class_name, rng, frames, drift=DRIFT):
    """State of the objects (frames, 4), in cycles, not wrapped: x, y, angle, size; place of the camera (frames, 2)."""
    coordinate, sign = CLASSES[class_name]
    time = np.arange(frames)[:, None] / frames
    speed = np.zeros(4)
    speed[coordinate] = sign * rng.uniform(*SPEED[coordinate])
    direction = rng.uniform(0, 2 * np.pi)
    camera = time * rng.uniform(0, drift) * np.array([np.cos(direction), np.sin(direction)])
    states = rng.random(4) + time * speed
    states[:, :2] += camera
    return states, rng.random(2) + camera


def paint(frame, objects, state, layout):
    """Draw the objects in one state over a float32 frame (height, width, channels), in place."""
    height, width = frame.shape[:2]
    mean = frame.mean((0, 1))
    for sprite, (dx, dy, dangle, dsize) in zip(objects, layout):
        x, y, angle, phase = (state + [dx, dy, dangle, dsize]) % 1
        half = min(height, width) * SMALLEST * GROWTH**phase
        matrix = cv2.getRotationMatrix2D((SPRITE / 2 - 0.5,) * 2, -360 * angle, half / (0.46 * SPRITE))
        # the object stands in the middle, up to a fraction of a pixel; rolling the rest of the way wraps it around
        (column, right), (row, down) = divmod(x * width, 1), divmod(y * height, 1)
        matrix[:, 2] += width // 2 + right - SPRITE / 2 + 0.5, height // 2 + down - SPRITE / 2 + 0.5
        drawn = cv2.warpAffine(sprite, matrix, (width, height))
        drawn = np.roll(drawn, (int(row) - height // 2, int(column) - width // 2), (0, 1))
        opacity = drawn[..., -1:] * np.float32(min(1, 2 * np.sin(np.pi * phase) ** 2))
        frame += opacity * (np.clip(mean + drawn[..., :-1], 0, 1) - frame)


def cover(objects, states, layout, height, width):
    """Where the objects are in each state, as opacity of 0 to 1: float32 (frames, height, width)."""
    solid = [np.dstack([np.ones_like(sprite[..., :1]), sprite[..., -1:]]) for sprite in objects]
    frames = np.zeros((len(states), height, width, 1), np.float32)
    for frame, state in zip(frames, states):
        paint(frame, solid, state, layout)
    return frames[..., 0]


def make_layout(rng):
    """Offsets (OBJECTS, 4) of the objects to the common state, in cycles: far apart in place, evenly spaced in size."""
    step = np.arange(OBJECTS) / OBJECTS
    place = np.stack([step, rng.choice([-1, 1]) * step], -1) + rng.uniform(-0.08, 0.08, (OBJECTS, 2))
    return np.column_stack([place, rng.random(OBJECTS), step])


def paste(background, class_name, rng, objects):
    """Move objects over the frames of any clip: the demo's classes in front of real backgrounds.

    background: uint8 (frames, height, width, channels), 1 or 3 channels as in `make_objects(rng, channels)`.
    Returns the frames, same shape and dtype. One cycle of motion spans the clip, whatever its length and size.
    """
    states, _ = trajectory(class_name, rng, len(background), drift=0)
    layout = make_layout(rng)
    frames = background.astype(np.float32) / 255
    for frame, state in zip(frames, states):
        paint(frame, objects, state, layout)
    return np.round(frames * 255).astype(np.uint8)


def make_scene(rng, channels, shape=None):
    """What a group shares: periodic background, light (both float32, height x width x channels or 1) and objects.

    shape: that of the objects, as in `make_objects`; the background and the light do not depend on it.
    """
    tint = 0.06 * rng.standard_normal(channels) * (channels > 1)
    background = rng.uniform(0.08, 0.2) + tint + rng.uniform(0.04, 0.08) * texture(rng, HEIGHT, WIDTH, channels)
    sign = rng.choice([-1, 1])  # bright objects on dark ground, or dark ones on bright ground
    background = background if sign > 0 else 1 - background
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    light = 1 + strength * (x * np.cos(angle) + y * np.sin(angle))
    return background.astype(np.float32), light[..., None].astype(np.float32), make_objects(rng, channels, sign, shape)


def render_clip(scene, class_name, rng):
    """One clip of a scene, uint8 (FRAMES, HEIGHT, WIDTH, channels)."""
    background, light, objects = scene
    states, camera = trajectory(class_name, rng, FRAMES)
    layout = make_layout(rng)
    noise = np.float32(rng.uniform(0.01, 0.04))
    frames = np.empty((FRAMES, *background.shape), np.float32)
    for frame, state, (x, y) in zip(frames, states, camera % 1):
        shift = np.array([[1, 0, x * WIDTH], [0, 1, y * HEIGHT]])
        moved = cv2.warpAffine(background, shift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_WRAP)
        frame[:] = moved.reshape(frame.shape)
        paint(frame, objects, state, layout)
    frames = frames * light + noise * rng.standard_normal(frames.shape, np.float32)
    return np.round(np.clip(frames, 0, 1) * 255).astype(np.uint8)
