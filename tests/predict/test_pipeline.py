"""Videos to probabilities, in the order of their paths."""

import numpy as np

from actioncnn.predict import pipeline
from actioncnn.video.pool import Failed
from actioncnn.video.sampling import Sampling


def brightness(sampling):
    """A classifier of two classes: the mean gray, and what is missing to white."""
    return lambda: lambda clips: np.stack([clips.mean((1, 2, 3, 4)) / 255, 1 - clips.mean((1, 2, 3, 4)) / 255], 1)


def test_answers_come_in_the_order_of_the_paths(videos, tmp_path):
    paths = [video.path for video in videos]
    paths[2].write_text("no video")
    sampling = Sampling(8, 3, False)
    answers = list(pipeline.predict_videos(paths, sampling, brightness(sampling), workers=2))
    assert [path for path, _ in answers] == paths
    assert answers[2][1] == Failed("cannot be opened as a video")
    rows = [answer for _, answer in answers if not isinstance(answer, Failed)]
    assert all(len(row) == 1 and row[0].start is None and abs(row[0].probabilities.sum() - 1) < 1e-6 for row in rows)


def test_windows_of_each_video_are_together(videos):
    paths, ends = [video.path for video in videos], []
    sampling = Sampling(8, 3, False)
    options = {"length": 4 / 25, "step": 2 / 25, "workers": 2, "watch": ends.append}
    answers = list(pipeline.predict_windows(paths, sampling, brightness(sampling), **options))
    assert [path for path, _ in answers] == paths and len(ends) == 6 * 5
    for _, rows in answers:
        np.testing.assert_allclose([row.start for row in rows], np.arange(5) * 2 / 25, atol=1e-6)
