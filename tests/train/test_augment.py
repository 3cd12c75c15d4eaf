"""Training clips are varied as the recipe says, whole, as a function of seed and step."""

import cv2
import numpy as np
import pytest

from actioncnn.train.augment import augment, draw, resizing
from actioncnn.train.recipes import Augment
from actioncnn.train.repeatable import key

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3, 1), np.uint8)
EVERYTHING = Augment(flip=True, crop=(0.7, 1.2), light=0.3)


def vary(how, clips=CLIPS, seed=1, step=0, places=range(20), batch=20):
    return augment(clips, how, key(seed, step), list(places), batch).numpy()


def test_nothing_changes_without_augmentation():
    assert np.array_equal(vary(Augment()), CLIPS)


def test_flip_mirrors_some_clips_whole():
    clips = vary(Augment(flip=True))
    same = [np.array_equal(new, old) for new, old in zip(clips, CLIPS, strict=True)]
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(clips, CLIPS, strict=True)]
    assert 0 < sum(same) < 20 and sum(same) + sum(mirrored) == 20


@pytest.mark.parametrize("side", [16, 31])
def test_a_crop_is_that_of_opencv(side):
    """Boxes of whole pixels, resized bilinearly: OpenCV's INTER_LINEAR; beyond the frame its edges go on."""
    picture = np.random.default_rng(0).uniform(0, 255, (side, side)).astype(np.float32)
    around = np.pad(picture, side, mode="edge")
    inside = (1.0, 0.0), (0.5, 0.0), (0.5, 0.99), (0.69, 0.4), (0.05, 0.7)
    for share, place in (*inside, (1.3, 0.0), (1.5, 0.99), (1.2, 0.5)):
        matrix = resizing(side, np.float32([share]), np.float32([place])).numpy()[0]
        length = max(round(side * share), 1)
        start = side + min(side - length, 0) + int(place * (abs(side - length) + 1))
        box = around[start : start + length, start : start + length]
        expected = cv2.resize(box, (side, side), interpolation=cv2.INTER_LINEAR)
        np.testing.assert_allclose(matrix @ picture @ matrix.T, expected, atol=2e-3)


def test_crop_is_the_same_in_all_frames():
    still = np.repeat(CLIPS[:, :, :, :1], 3, axis=3)
    clips = vary(Augment(crop=(0.5, 1)), still)
    assert np.ptp(clips, axis=3).max() < 1e-3 and np.abs(clips - still).max() > 50


def test_everything_at_once_stays_in_range():
    clips = vary(EVERYTHING)
    assert clips.dtype == np.float32 and clips.shape == (20, 16, 16, 3, 1)
    assert clips.min() >= 0 and clips.max() <= 255


def test_frames_are_varied_as_clips_are():
    np.testing.assert_allclose(vary(EVERYTHING, CLIPS[:, :, :, 1]), vary(EVERYTHING)[:, :, :, 1], atol=1e-3)


def test_it_follows_from_seed_and_step_whatever_part_of_the_batch_is_here():
    whole = vary(EVERYTHING)
    np.testing.assert_allclose(vary(EVERYTHING, CLIPS[5:9], places=range(5, 9)), whole[5:9], atol=1e-3)
    assert np.array_equal(vary(EVERYTHING), whole)
    assert not np.allclose(vary(EVERYTHING, seed=2), whole, atol=9) and not np.allclose(
        vary(EVERYTHING, step=1), whole, atol=9
    )


def test_frames_are_drawn_from_pairs():
    numbered = np.zeros((20, 4, 4, 10, 1), np.uint8) + np.arange(10, dtype=np.uint8)[:, None]
    seen = {}
    for step in (0, 1):
        for places in (range(20), range(5, 9)):
            drawn = draw(numbered[places], key(1, step), list(places), 20).numpy()
            assert drawn.shape == (len(places), 4, 4, 5, 1) and np.ptp(drawn, axis=(1, 2)).max() == 0
            seen[step, len(places)] = drawn[:, 0, 0, :, 0]
    assert {tuple(np.unique(seen[0, 20][:, frame])) for frame in range(5)} == {(2 * i, 2 * i + 1) for i in range(5)}
    assert np.array_equal(seen[0, 20][5:9], seen[0, 4]) and not np.array_equal(seen[0, 20], seen[1, 20])
