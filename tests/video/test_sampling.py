"""What a network is shown."""

import subprocess
import sys

import numpy as np
from helpers import ROOT

from actioncnn.video.sampling import Sampling


def test_frames_that_are_not_square():
    square, wide = Sampling(8, 4, False), Sampling((8, 12), 4, False)
    assert (square.height, square.width, wide.height, wide.width) == (8, 8, 8, 12)


def test_a_2d_network_takes_the_middle_frame():
    flat, clip = Sampling(8, 0, False), Sampling(8, 4, False)
    read = np.arange(2 * 8 * 8 * 2).reshape(2, 8, 8, 2, 1)
    assert flat.frames == 2 and np.array_equal(flat.pick(read), read[:, :, :, 1]) and clip.pick(read) is read
    assert flat.times(4) == [2] and clip.times(4) == [0, 1, 2, 3] and clip._replace(skip=False).times(4) == [0] * 4


def test_views_have_frames_of_their_own():
    clip, first = Sampling(8, 3, False), Sampling(8, 3, False, skip=False)
    read = np.arange(6).reshape(1, 1, 6, 1)
    assert clip.viewed(2) == Sampling(8, 6, False) and clip.viewed(1) is clip and clip.views(read, 1) == [read]
    told = [[view.ravel().tolist() for view in sampling.views(read, 2)] for sampling in (clip, first)]
    assert told == [[[0, 2, 4], [1, 3, 5]], [[0, 1, 2], [3, 4, 5]]]
    flat = Sampling(8, 0, False)
    assert flat.viewed(6).places(12) == [0, 2, 4, 6, 8, 10]
    assert [view.item() for view in flat.views(read, 6)] == [0, 1, 2, 3, 4, 5]


def test_it_is_light():
    code = "import sys, actioncnn.video.sampling; sys.exit(any(name in sys.modules for name in ('numpy', 'cv2')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
