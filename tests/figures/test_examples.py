"""Test clips as filmstrips: which, and as they are."""

import numpy as np
import pytest
from pictures import made_clips, read_picture

from actioncnn.figures import examples


def draw(folder, *args):
    (folder / "examples.png").write_bytes(examples.draw_examples(*args))


@pytest.mark.parametrize("shape", [(32, 32, 10, 1), (32, 32, 16, 3), (32, 32, 1, 3), (8, 8, 1, 1), (112, 100, 2, 3)])
def test_examples_are_drawn_for_any_clip(tmp_path, shape):
    clips, files, truth, probabilities = made_clips(30, 4, shape)
    draw(tmp_path, clips, files, list("abcd"), truth, probabilities)
    read_picture(tmp_path / "examples.png", (400, 300), (2000, 1500))


def test_a_filmstrip_shows_the_frames_as_they_are():
    clip = np.random.default_rng(0).integers(0, 256, (32, 32, 3, 3), dtype=np.uint8)
    strip = examples.filmstrip(clip)
    assert strip.shape == (64, 3 * 64 + 2 * 2, 3)
    for index in range(3):
        frame = strip[:, index * 66 : index * 66 + 64]
        assert (frame[::2, ::2] == clip[:, :, index]).all()
        assert (frame[1::2, 1::2] == clip[:, :, index]).all()


def test_a_long_or_large_clip_becomes_a_short_strip():
    assert examples.filmstrip(np.zeros((32, 32, 100, 1), np.uint8)).shape == (64, 10 * 64 + 9 * 2, 3)
    assert examples.filmstrip(np.zeros((112, 112, 2, 1), np.uint8)).shape == (72, 2 * 72 + 2, 3)


def test_examples_are_mistakes_then_right_ones_of_many_classes():
    truth = np.array([0, 0, 0, 1, 1, 2])
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.95, 0.5])
    predicted = np.array([1, 1, 1, 2, 1, 2])  # wrong: the first four
    probabilities = np.zeros((6, 3))
    probabilities[np.arange(6), predicted] = confidence
    assert examples.choose_examples(truth, probabilities, 4) == [0, 3, 4, 5]
    assert examples.choose_examples(truth, probabilities, 12) == [0, 3, 1, 2, 4, 5]
    assert examples.choose_examples(predicted, probabilities, 2) == [4, 3]
    assert examples.choose_examples(truth[:1], probabilities[:1], 12) == [0]


def test_examples_read_only_the_clips_that_are_shown():
    clips, files, truth, probabilities = made_clips(50, 4)

    class Lazy:
        read = []

        def __getitem__(self, index):
            self.read.append(int(index))
            return clips[index]

    examples.draw_examples(Lazy(), files, list("abcd"), truth, probabilities, 6)
    assert len(set(Lazy.read)) == 6
