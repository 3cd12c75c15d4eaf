"""What tests of several rooms use: videos that they make, scripts run in this process, arrays of clips."""

import runpy
import sys
from pathlib import Path

import numpy as np

from actioncnn.data.clips import LabelledClips, read_clips
from actioncnn.data.dataset import Dataset, understand
from actioncnn.data.index import Video
from actioncnn.data.options import DatasetOptions
from actioncnn.video.sampling import Sampling

ROOT = Path(__file__).resolve().parent.parent
SAMPLING = Sampling(16, 4, color=False)


def run_script(script, *options):
    """Runs a script in this process -> its exit code; what it prints is printed."""
    kept, sys.argv = sys.argv, [str(ROOT / script), *map(str, options)]
    try:
        runpy.run_path(str(ROOT / script), run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):  # as the interpreter does
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    finally:
        sys.argv = kept
    return 0


def write_video(path, frames, codec="MJPG", fps=25):
    """uint8 frames (T, H, W), or (T, H, W, 3) in BGR -> a video file."""
    import cv2

    frames = frames if frames.ndim == 4 else np.repeat(frames[..., None], 3, 3)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), fps, frames.shape[2:0:-1])
    for frame in frames:
        writer.write(frame)
    writer.release()


def write_blocks(path, seed=0, frames=12):
    """Frames of random blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (frames, 6, 8, 3), np.uint8)
    write_video(path, blocks.repeat(8, 1).repeat(8, 2))


def touch(root, *names):
    """Makes empty files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def video(path):
    return Video(path, "Bow", None)


def index_of(classes, groups=range(1, 26), clips=4):
    """An index of videos that need not exist; group None where `groups` holds it."""
    names = ((name, group, clip) for name in classes for group in groups for clip in range(1, clips + 1))
    return [Video(Path(f"{name}/{group}_{clip}.avi"), name, group) for name, group, clip in names]


def names(videos):
    return [video.path.name for video in videos]


def bar(rng, direction, vertical=True):
    """A clear task: a bright bar that moves by `direction` columns a frame (or rows), wrapping, over dim noise."""
    frames = rng.integers(0, 60, (20, 32, 32))
    start = rng.integers(0, 32)
    for index, frame in enumerate(frames):
        places = (start + direction * index + np.arange(6)) % 32
        (frame.T if vertical else frame)[places] += 150
    return frames.astype(np.uint8)


def data_of(clips, labels, train, test):
    """LabelledClips of an array of clips (N, H, W, T, C), or frames (N, H, W, C), and their classes, int (N,)."""
    count = int(np.max(labels)) + 1
    sampling = Sampling(clips.shape[1], clips.shape[3] if clips.ndim == 5 else 0, clips.shape[-1] == 3)
    targets = np.eye(count, dtype=np.float32)[labels]
    classes = [f"class {i}" for i in range(count)]
    dataset = Dataset(DatasetOptions(), [], classes, [], [])
    return LabelledClips(dataset, sampling, clips, classes, targets, {}, np.asarray(train), np.asarray(test))


def read_dataset(directory, nclass, sampling, cache=None, workers=None):
    """LabelledClips of a directory, and the notes on it."""
    dataset = understand(DatasetOptions(videos=directory, nclass=nclass))
    data, notes = read_clips(dataset, sampling, cache, workers)
    return data, dataset.notes + notes


def as_pictures(video, folder, name="{}.png"):
    """The frames of a video file as numbered pictures in a folder: the same pixels."""
    import cv2

    capture, number = cv2.VideoCapture(str(video)), 0
    folder.mkdir(parents=True)
    while (frame := capture.read())[0]:
        cv2.imwrite(str(folder / name.format(number)), frame[1])
        number += 1
    return folder
