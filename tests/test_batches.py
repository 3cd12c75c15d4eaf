"""What the networks are fed: the right frames, each clip once an epoch, clips and targets that stay whole."""

import numpy as np
import pytest

from actioncnn.batches import Augment, augment, evaluation_batches, training_batches

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3, 1), np.uint8)
TARGETS = np.eye(4, dtype=np.float32)[np.arange(20) % 4]
EVERYTHING = Augment(flip=True, scale=0.3, light=0.3)


def varied(clips=CLIPS, **how):
    return augment(clips, Augment(**how), np.random.default_rng(1))


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
    clips = augment(CLIPS, EVERYTHING, np.random.default_rng(1))
    assert clips.dtype == np.float32 and clips.shape == (20, 16, 16, 3, 1)
    assert clips.min() >= 0 and clips.max() <= 255


def test_frames_are_varied_as_clips_are():
    frames = augment(CLIPS[:, :, :, 1], EVERYTHING, np.random.default_rng(1))
    clips = augment(CLIPS, EVERYTHING, np.random.default_rng(1))
    assert np.array_equal(frames, clips[:, :, :, 1])


def batches(first, last, seed=0, how=EVERYTHING):
    rows = np.arange(2, 20)
    return list(training_batches(CLIPS, rows, TARGETS[rows], how, 5, seed, first, last).as_numpy_iterator())


def test_an_epoch_shows_each_training_clip_once():
    seen, targets = (np.concatenate(part) for part in zip(*batches(0, 4, how=Augment()), strict=True))
    expected = CLIPS[2:].astype(np.float32)
    of_clip = dict(zip(map(bytes, expected), TARGETS[2:].tolist(), strict=True))
    assert sorted(map(bytes, seen)) == sorted(of_clip)
    assert targets.tolist() == [of_clip[bytes(clip)] for clip in seen]
    again = np.concatenate([clips for clips, _ in batches(4, 8, how=Augment())])
    assert not np.array_equal(seen, again)


def test_a_batch_follows_from_seed_and_step_alone():
    whole, late = batches(0, 8), batches(5, 8)
    for (clips, targets), (others, more) in zip(whole[5:], late, strict=True):
        assert np.array_equal(clips, others) and np.array_equal(targets, more)
    assert not np.array_equal(batches(0, 1, seed=1)[0][0], whole[0][0])


@pytest.mark.parametrize("clips", [CLIPS, CLIPS[:, :, :, 1]])
def test_test_clips_come_in_order(clips):
    rows = np.array([7, 3, 11])
    seen = [batch for batch, _ in evaluation_batches(clips, rows, TARGETS[rows], 2).as_numpy_iterator()]
    assert np.array_equal(np.concatenate(seen), clips[rows])
