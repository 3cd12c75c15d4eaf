"""A network is shown the frames that its options say."""

from types import SimpleNamespace

import numpy as np
import pytest
from conftest import write_video

from actioncnn import data, dataset


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two videos of 24 frames whose gray says their number: 10 each."""
    folder = tmp_path_factory.mktemp("numbered")
    frames = np.repeat(np.arange(0, 240, 10, np.uint8), 16 * 16).reshape(24, 16, 16)
    for name in ("Jump", "Run"):
        write_video(folder / f"v_{name}_g01_c01.avi", frames)
    return folder


def numbers(clips):
    return np.round(clips[0].mean((0, 1)) / 10).ravel().astype(int).tolist()


@pytest.mark.parametrize(
    ("depth", "skip", "shape", "expected"),
    [
        (4, True, (2, 8, 8, 4, 1), [0, 6, 12, 18]),
        (4, False, (2, 8, 8, 4, 1), [0, 1, 2, 3]),
        (0, True, (2, 8, 8, 1), [12]),  # the middle one
    ],
)
def test_frames_of_a_clip(folder, cache, depth, skip, shape, expected):
    args = SimpleNamespace(videos=folder, nclass=2, size=8, color=False, skip=skip, cache=cache, workers=1)
    loaded, _, _ = data.load(args, depth)
    assert loaded.clips.shape == shape and loaded.shape == shape[1:]
    assert numbers(loaded.clips) == expected


@pytest.mark.parametrize(
    ("depth", "skip", "expected"),
    [
        (4, True, [[0, 6, 12, 18], [2, 8, 14, 20], [4, 10, 16, 22]]),
        (4, False, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]),
        (0, True, [[0], [8], [16]]),
    ],
)
def test_views_show_other_frames(folder, cache, depth, skip, expected):
    views = data.Sampling(8, depth, False, skip).views(dataset.scan(folder), 3, cache)
    assert [numbers(view) for view in views] == expected
