"""Films with a natural spectrum: what white noise becomes when 1 / frequency in space and time is all it may hold.

The clips that ascent.py searches. Contrast and flicker are bounded, and all values lie between black and white.
"""

import numpy as np
import tensorflow as tf

FLICKER = 0.04  # mean change from frame to frame, share of the range, at most: natural clips have .02 to .1
LIVELIEST = 2  # times as much a longer ascent may have at most: stronger, less general
LIVELY_POWER = 0.3  # it grows as the length of the ascent to this power
USUAL = 20  # iterations; a longer ascent is one of more
FINE = 0.15  # share of power above half of Nyquist's frequency in space, at most: natural clips have up to .18
START = 0.2  # contrast of the noise to start from
FRAME_RATE = 48  # a frame counts in time as 1/48 of the width counts in space: slow motion of large shapes first
MARGIN = 0.5  # of the clip, before and after it: a film repeats itself, but what grows in a clip need not shrink again
CHROMA = 0.3  # amplitude of colour against that of gray: most of nature's variance is gray (Ruderman 1998)
STILL = 0.6  # amplitude of what doesn't move against that of what does
GRAY = 0.3  # the same of a frame's mean: else a unit that likes light is shown as an even white


class Film:
    """White noise -> clips of 0 to 255: tensors w (B, C, H, W, F) -> (B, H, W, T, C), or (B, H, W, C) of a 2D network.

    Of a film's F frames the clip shows those in the middle, T.
    """

    def __init__(self, shape, settings, of_class=False):
        self.flat = len(shape) == 3
        height, width, depth, self.channels = (*shape[:2], 1, shape[2]) if self.flat else shape
        self.margin = int(MARGIN * depth)
        self.middle = slice(self.margin, self.margin + depth)
        frames = depth + 2 * self.margin
        self.size = (self.channels, height, width, frames)
        self.smooth, self.smooth_time = settings.tv > 0, depth > 1 and settings.tv_time > 0
        self.most_flicker = FLICKER * min(LIVELIEST, max(1, settings.iterations / USUAL) ** LIVELY_POWER)
        self.contrast = settings.contrast * np.sqrt(depth / frames)  # an ascent puts nearly all of it into the clip
        rows, columns = np.fft.fftfreq(height) * height, np.fft.fftfreq(width) * width
        times = np.fft.rfftfreq(frames) * FRAME_RATE
        space = rows[:, None, None] ** 2 + columns[None, :, None] ** 2
        gain = 1 / np.sqrt(1 + settings.tv * space + settings.tv_time * times**2)
        gain[:, :, 0] *= STILL
        gain[0, 0] *= 1 if of_class else GRAY  # the objects of a class stand out from dark or light ground
        gain /= np.sqrt((gain**2 * with_mirrored(frames)).sum() / (height * width * frames))
        fine = np.maximum(abs(rows)[:, None] / height, abs(columns) / width)[:, :, None] > 0.25
        power = np.tile(with_mirrored(depth), (height, width, 1))
        power[0, 0, 0] = 0  # the mean gray
        self.gain, self.fine = tf.constant(gain, tf.complex64), tf.constant(fine, tf.complex64)
        self.power, self.fine_power = tf.constant(power, tf.float32), tf.constant(power * fine, tf.float32)
        self.mix = tf.constant(CHROMA * np.eye(self.channels) + (1 - CHROMA) / self.channels, tf.float32)

    def start(self, seed, chosen):
        """Weak noise for each of `chosen`, its own for a unit that comes again."""
        keys = [(seed, unit, list(chosen[:place]).count(unit)) for place, unit in enumerate(chosen)]
        white = tf.constant([np.random.default_rng(key).standard_normal(self.size) for key in keys], tf.float32)
        return self.bound(white * START / rms(white))

    def bound(self, white):
        """A film within its contrast; its detail is weakened down to FINE, what moves down to its flicker."""
        if self.smooth:
            white -= self.too_fine(white)
        white *= tf.minimum(1.0, self.contrast / rms(white))
        if not self.smooth_time:
            return white
        still = tf.reduce_mean(white, axis=4, keepdims=True)
        return still + (white - still) * tf.minimum(1.0, self.most_flicker / self.flicker(self.filter(white)))

    def too_fine(self, white):
        """The part of its detail that a film has too much of, measured on what is shown, in gray."""
        shown = tf.reduce_mean(self.shown(self.filter(white)), axis=1, keepdims=True)
        rounding = np.prod(shown.shape[2:]) / 255**2 / 12 / self.channels  # of 8 bits, equal at all frequencies
        shown = tf.square(tf.abs(tf.signal.rfft3d(shown))) + rounding
        fine, power = total(shown * self.fine_power), total(shown * self.power)
        share = tf.minimum(1.0, tf.sqrt(FINE / (1 - FINE) * (power - fine) / (fine + 1e-20)))
        return (1 - share) * tf.signal.irfft3d(tf.signal.rfft3d(white) * self.fine, self.size[1:])

    def keep_calm(self, filtered, gradient):
        """The gradient without the part that adds flicker, for films that have all they may (Rosen 1960)."""
        if not self.smooth_time:
            return gradient
        with tf.GradientTape() as tape:
            tape.watch(filtered)
            flicker = self.flicker(filtered)
        normal = self.filter(tape.gradient(flicker, filtered))
        normal /= tf.sqrt(total(normal * normal)) + 1e-20
        adds = tf.maximum(total(gradient * normal), 0)
        return gradient - tf.where(flicker > 0.95 * self.most_flicker, adds, 0) * normal

    def flicker(self, filtered):
        """Mean change between the frames of the clip, share of the range, (B, 1, 1, 1, 1)."""
        shown = self.shown(filtered)
        return tf.reduce_mean(tf.abs(shown[..., 1:] - shown[..., :-1]), axis=[1, 2, 3, 4], keepdims=True)

    def clips(self, white):
        return self.expose(self.filter(white))

    def filter(self, white):
        return tf.signal.irfft3d(tf.signal.rfft3d(white) * self.gain, self.size[1:])

    def shown(self, filtered):
        """The clip as shares of the range, (B, C, H, W, T)."""
        return tf.sigmoid(tf.einsum("bchwt,cd->bdhwt", filtered[..., self.middle], self.mix))

    def expose(self, filtered):
        values = 255 * tf.transpose(self.shown(filtered), (0, 2, 3, 4, 1))
        return values[:, :, :, 0] if self.flat else values


def with_mirrored(count):
    """How often each frequency that rfft gives of `count` values counts: it leaves out the mirrored ones."""
    times = np.full(count // 2 + 1, 2.0)
    times[0] = 1
    if count % 2 == 0:
        times[-1] = 1
    return times


def total(values):
    return tf.reduce_sum(values, axis=[1, 2, 3, 4], keepdims=True)


def rms(values):
    return tf.sqrt(tf.reduce_mean(tf.square(values), axis=[1, 2, 3, 4], keepdims=True))


def to_frames(clips):
    """Clips of 0 to 255 -> uint8 of the same shape, one value map for all."""
    return np.rint(np.clip(clips, 0, 255)).astype(np.uint8)
