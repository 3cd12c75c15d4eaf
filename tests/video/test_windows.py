"""Windows over long videos: the right frames at the right times."""

import cv2
import numpy as np
import pytest

from actioncnn.video import windows
from actioncnn.video.decode import read_clip
from actioncnn.video.sampling import Sampling
from actioncnn.video.windows import cut

CLIP = Sampling(size=8, depth=4, color=False)


def numbered(times):
    """Frames at these times, whose brightness is their number."""
    gaps = [*np.diff(times), times[-1] - times[-2]]
    for index, (now, gap) in enumerate(zip(times, gaps, strict=True)):
        yield now, gap, lambda index=index: (True, np.full((8, 8, 3), index, np.uint8))


def found(times, sampling, length, step):
    """[(start, end, numbers of the frames)]"""
    spans = cut(numbered(times), sampling, length, step)
    return [(round(start, 3), round(end, 3), clip[0, 0, :, 0].tolist()) for start, end, clip in spans]


def test_windows_take_evenly_spaced_frames():
    assert found(np.arange(100) / 25, CLIP, 2, 1) == [
        (0, 2, [0, 12, 25, 37]),
        (1, 3, [25, 37, 50, 62]),
        (2, 4, [50, 62, 75, 87]),
    ]
    assert found(np.arange(100) / 25, CLIP._replace(depth=0), 4, 2) == [(0, 4, [50])]
    assert found(np.arange(100) / 25, CLIP._replace(skip=False), 2, 2) == [
        (0, 2, [0, 1, 2, 3]),
        (2, 4, [50, 51, 52, 53]),
    ]


def test_windows_at_the_end():
    assert found(np.arange(90) / 25, CLIP, 2, 1)[-1] == (2, 3.6, [50, 62, 75, 87])
    assert found(np.arange(60) / 25, CLIP, 2, 2) == [(0, 2, [0, 12, 25, 37])]  # the rest is less than half a window
    assert [*cut(numbered(np.arange(5) / 25), CLIP, 2, 1)] == [(0, pytest.approx(0.2), None)]
    assert [*cut(iter(()), CLIP, 2, 1)] == []


def test_windows_go_by_time_where_the_rate_varies():
    times = [*np.arange(50) / 50, *(1 + np.arange(10) / 10)]
    assert found(times, CLIP, 1, 1) == [(0, 1, [0, 12, 25, 37]), (1, 2, [50, 52, 55, 57])]


def test_windows_equal_the_whole_clip(bars):
    video = bars / "v_BarLeft_g01_c01.avi"
    sampling = CLIP._replace(depth=10, size=16)
    _, _, clip = next(cut(windows.timed(video), sampling, 20 / 25, 1))
    assert (clip == read_clip(video, sampling)).all()


class Capture:
    """A container with these time stamps in milliseconds and this rate."""

    def __init__(self, stamps, rate):
        self.stamps, self.rate, self.index = stamps, rate, -1

    def grab(self):
        self.index += 1
        return self.index < len(self.stamps)

    def get(self, name):
        return self.rate if name == cv2.CAP_PROP_FPS else self.stamps[self.index]

    def retrieve(self):
        return True, None

    def release(self):
        pass


@pytest.mark.parametrize(
    "stamps, rate, times",
    [
        ([0, 40, 80, 120], 25, [0, 0.04, 0.08, 0.12]),
        ([0, 33, 67, 400], 1000, [0, 0.033, 0.067, 0.4]),  # the rate is the unit of the stamps; the last frame waits
        ([280, 300, 320, 340], 50, [0, 0.02, 0.04, 0.06]),
        ([33, 67, 100, 0], 30, [0, 0.034, 0.067, 0.1]),  # back
        ([0, 0, 0, 0], 10, [0, 0.1, 0.2, 0.3]),  # none at all
        ([0, 0, 0, 0], 60000, [0, 0.04, 0.08, 0.12]),
        ([0, 100, 95_443_717, 95_443_817], 10, [0, 0.1, 0.2, 0.3]),  # a jump
    ],
)
def test_times(monkeypatch, stamps, rate, times):
    monkeypatch.setattr(windows, "open_sure", lambda name: Capture(stamps, rate))
    assert [now for now, _, _ in windows.timed("x")] == pytest.approx(times)
