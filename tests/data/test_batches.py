"""What the networks are fed: the right frames, each clip once an epoch, clips and targets that stay whole."""

import numpy as np
import pytest

from actioncnn.data.batches import evaluation_batches, training_batches

CLIPS = np.random.default_rng(0).integers(0, 256, (20, 16, 16, 3, 1), np.uint8)
TARGETS = np.eye(4, dtype=np.float32)[np.arange(20) % 4]


def noisy(clips, rng):
    return clips + rng.random(clips.shape, np.float32)


def plain(clips, rng):
    return clips.astype(np.float32)


def batches(first, last, seed=0, vary=noisy):
    rows = np.arange(2, 20)
    return list(training_batches(CLIPS, rows, TARGETS[rows], vary, 5, seed, first, last).as_numpy_iterator())


def test_an_epoch_shows_each_training_clip_once():
    seen, targets = (np.concatenate(part) for part in zip(*batches(0, 4, vary=plain), strict=True))
    expected = CLIPS[2:].astype(np.float32)
    of_clip = dict(zip(map(bytes, expected), TARGETS[2:].tolist(), strict=True))
    assert sorted(map(bytes, seen)) == sorted(of_clip)
    assert targets.tolist() == [of_clip[bytes(clip)] for clip in seen]
    again = np.concatenate([clips for clips, _ in batches(4, 8, vary=plain)])
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
