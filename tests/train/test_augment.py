"""Training clips are varied as the recipe says, whole."""

import numpy as np

from actioncnn.train.augment import augment
from actioncnn.train.recipes import Augment

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3, 1), np.uint8)
EVERYTHING = Augment(flip=True, scale=0.3, light=0.3)


def varied(clips=CLIPS, **how):
    return augment(Augment(**how), clips, np.random.default_rng(1))


def test_nothing_changes_without_augmentation():
    assert np.array_equal(varied(), CLIPS)


def test_flip_mirrors_some_clips_whole():
    clips = varied(flip=True)
    same = [np.array_equal(new, old) for new, old in zip(clips, CLIPS, strict=True)]
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(clips, CLIPS, strict=True)]
    assert 0 < sum(same) < 20 and sum(same) + sum(mirrored) == 20


def test_crop_is_the_same_in_all_frames():
    still = np.repeat(CLIPS[:, :, :, :1], 3, axis=3)
    clips = varied(still, scale=0.5)
    assert np.ptp(clips, axis=3).max() == 0 and np.abs(clips - still).max() > 50


def test_everything_at_once_stays_in_range():
    clips = augment(EVERYTHING, CLIPS, np.random.default_rng(1))
    assert clips.dtype == np.float32 and clips.shape == (20, 16, 16, 3, 1)
    assert clips.min() >= 0 and clips.max() <= 255


def test_frames_are_varied_as_clips_are():
    frames = augment(EVERYTHING, CLIPS[:, :, :, 1], np.random.default_rng(1))
    clips = augment(EVERYTHING, CLIPS, np.random.default_rng(1))
    assert np.array_equal(frames, clips[:, :, :, 1])
