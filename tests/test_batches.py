"""What the networks are fed: the right frames, each clip once an epoch, clips and targets that stay whole."""

import numpy as np
import pytest

from actioncnn.batches import Augment, augment, evaluation_batches, select, training_batches

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 6, 1), np.uint8)
TARGETS = np.eye(4, dtype=np.float32)[np.arange(20) % 4]
EVERYTHING = Augment(flip=True, scale=0.3, jitter=True, light=0.3, smoothing=0.1)


def varied(**how):
    return augment(CLIPS, TARGETS, 3, Augment(**how), np.random.default_rng(1))


def test_nothing_changes_without_augmentation():
    clips, targets = varied()
    assert np.array_equal(clips, CLIPS[:, :, :, ::2]) and np.array_equal(targets, TARGETS)


def test_views_are_frames_of_each_segment():
    assert np.array_equal(select(CLIPS, 3, 1), CLIPS[:, :, :, [1, 3, 5]])


def test_flip_mirrors_some_clips_whole():
    clips, _ = varied(flip=True)
    same = [np.array_equal(new, old) for new, old in zip(clips, CLIPS[:, :, :, ::2], strict=True)]
    mirrored = [np.array_equal(new, old[:, ::-1]) for new, old in zip(clips, CLIPS[:, :, :, ::2], strict=True)]
    assert 0 < sum(same) < 20 and sum(same) + sum(mirrored) == 20


def test_jitter_takes_a_frame_of_each_segment():
    clips, _ = varied(jitter=True)
    for new, old in zip(clips, CLIPS, strict=True):
        for frame in range(3):
            assert any(np.array_equal(new[:, :, frame], old[:, :, 2 * frame + shift]) for shift in (0, 1))


def test_crop_is_the_same_in_all_frames():
    still = np.repeat(CLIPS[:, :, :, :1], 6, axis=3)
    clips, _ = augment(still, TARGETS, 3, Augment(scale=0.5), np.random.default_rng(1))
    assert np.ptp(clips, axis=3).max() == 0 and np.abs(clips - still[:, :, :, ::2]).max() > 50


def test_everything_at_once_stays_in_range():
    clips, targets = augment(CLIPS, TARGETS, 3, EVERYTHING, np.random.default_rng(1))
    assert clips.dtype == np.float32 and clips.shape == (20, 16, 16, 3, 1)
    assert clips.min() >= 0 and clips.max() <= 255
    assert np.allclose(targets.sum(1), 1) and targets.min() > 0


def batches(first, last, seed=0, how=EVERYTHING, depth=3):
    rows = np.arange(2, 20)
    return list(training_batches(CLIPS, rows, TARGETS[rows], depth, how, 5, seed, first, last).as_numpy_iterator())


def test_an_epoch_shows_each_training_clip_once():
    seen = np.concatenate([clips for clips, _ in batches(0, 4, how=Augment())])
    expected = select(CLIPS[2:], 3).astype(np.float32)
    assert sorted(map(bytes, seen)) == sorted(map(bytes, expected))
    again = np.concatenate([clips for clips, _ in batches(4, 8, how=Augment())])
    assert not np.array_equal(seen, again)


def test_a_batch_follows_from_seed_and_step_alone():
    whole, late = batches(0, 8), batches(5, 8)
    for (clips, targets), (others, more) in zip(whole[5:], late, strict=True):
        assert np.array_equal(clips, others) and np.array_equal(targets, more)
    assert not np.array_equal(batches(0, 1, seed=1)[0][0], whole[0][0])


@pytest.mark.parametrize(("depth", "shape"), [(3, (16, 16, 3, 1)), (0, (16, 16, 1))])
def test_test_clips_come_in_order(depth, shape):
    rows = np.array([7, 3, 11])
    clips = np.concatenate(
        [c for c, _ in evaluation_batches(CLIPS, rows, TARGETS[rows], depth, 2, 1).as_numpy_iterator()]
    )
    assert clips.shape[1:] == shape
    expected = CLIPS[rows][:, :, :, 1::2] if depth else CLIPS[rows][:, :, :, 1]
    assert np.array_equal(clips, expected)
