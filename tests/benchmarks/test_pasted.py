"""The benchmark's dataset: motions pasted onto real clips, each group in a place of its own."""

import numpy as np
import pasted
import pytest

from actioncnn.data import demo, index, motion
from actioncnn.errors import UserError
from actioncnn.video.decode import read_frames


@pytest.mark.slow
def test_motions_on_real_clips(tmp_path):
    source = tmp_path / "source"
    demo.make_demo(source, groups=2, clips=1)  # 16 groups, each with a background of its own
    pasted.make(source, tmp_path / "pasted", groups=2, clips=2)
    videos = index.scan(tmp_path / "pasted")
    assert len(videos) == 32 and {video.name for video in videos} == set(motion.CLASSES)
    places = np.stack(
        [np.median(read_frames(video.path, 32, 24, motion.FRAMES), 0) for video in videos]
    )  # objects move, places stay
    distance = np.abs(places[:, None] - places[None]).mean((2, 3))
    keys = [video[1:] for video in videos]  # class and group
    same = np.array([[a == b for b in keys] for a in keys])
    assert np.median(distance[same & (distance > 0)]) < 0.5 * np.median(distance[~same])
    with pytest.raises(UserError, match="16 groups, 24 are needed"):
        pasted.make(source, tmp_path / "pasted", groups=3)
