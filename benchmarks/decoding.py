"""What reading frames costs: four ways to get 10 evenly spaced frames of a clip, and one process against two.

python benchmarks/decoding.py --videos UCF101

The ways take turns at each clip, so that a busy machine slows all of them; CPU time counts all threads. Without
--videos: the demo's motion set.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # before cv2 is imported

import cv2
import numpy as np

from actioncnn.data import demo, store
from actioncnn.data.index import scan
from actioncnn.video.decode import read_frames, resize
from actioncnn.video.sampling import Sampling

SIZE = 32  # pixels
DEPTH = 10  # frames


def seek(path):
    """Jumps to each frame: what 3DCNN of 2017 did."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    frames = []
    for index in range(DEPTH):
        capture.set(cv2.CAP_PROP_POS_FRAMES, index * count // DEPTH)
        frames.append(capture.read()[1])
    return frames


def read(path):
    """Decodes and converts every frame up to the last wanted one."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = [index * count // DEPTH for index in range(DEPTH)]
    frames = {}
    for index in range(wanted[-1] + 1):
        frame = capture.read()[1]
        if index in wanted:
            frames[index] = frame
    return [frames[index] for index in wanted]


def grab(path):
    """Decodes every frame, converts the wanted ones."""
    capture = cv2.VideoCapture(str(path))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    frames, index = [], -1
    for wanted in (index * count // DEPTH for index in range(DEPTH)):
        while index < wanted:
            capture.grab()
            index += 1
        frames.append(capture.retrieve()[1])
    return frames


def small(way):
    return lambda path: np.stack([resize(frame, SIZE, SIZE, color=False) for frame in way(path)])


WAYS = {
    "seek before each frame": small(seek),
    "read() every frame": small(read),
    "grab() every frame, retrieve() the wanted": small(grab),
    "read_frames (grab, one thread)": lambda path: read_frames(path, SIZE, SIZE, DEPTH),
}


def cpu_times(paths, repeat):
    """CPU seconds a clip: float (repetitions, ways); number of frames by way that differ from those of read()."""
    seconds, differ = np.zeros((repeat, len(WAYS))), dict.fromkeys(WAYS, 0)
    for repetition in range(repeat):
        for number, path in enumerate(paths):
            results = {}
            order = np.roll(range(len(WAYS)), number)
            for way in order:
                name, begin = list(WAYS)[way], time.process_time()
                results[name] = WAYS[name](path)
                seconds[repetition, way] += (time.process_time() - begin) / len(paths)
            for name, frames in results.items():
                differ[name] += int((frames != results["read() every frame"]).any((1, 2)).sum())
    return seconds, {name: count // repeat for name, count in differ.items()}


def load_times(videos, repeat):
    """(wall, CPU) seconds of store.load_clips with an empty cache: {workers: float (repetitions, 2)}."""
    times = {1: [], 2: []}
    for _ in range(repeat):
        for workers, values in times.items():
            with tempfile.TemporaryDirectory() as folder:
                wall, cpu = time.perf_counter(), sum(os.times()[:4])
                store.load_clips(videos, Sampling(SIZE, DEPTH, False), folder, workers)
                wall = time.perf_counter() - wall
                for process in multiprocessing.active_children():
                    process.join()  # its time counts from now on
                values.append((wall, sum(os.times()[:4]) - cpu))
    return {workers: np.array(values) for workers, values in times.items()}


def in_turn(videos):
    """One video of each class, then a second one of each: key frames, and so the cost of seeking, differ by class."""
    seen = Counter()
    ranks = [seen.update([video.name]) or seen[video.name] for video in videos]
    return [video for _, video in sorted(zip(ranks, videos, strict=True), key=lambda pair: pair[0])]


def spread(values, form=".2f"):
    return f"{statistics.median(values):{form}} [{min(values):{form}}-{max(values):{form}}]"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, default=os.environ.get("UCF101_DIR"), help="dataset (default: the demo)")
    parser.add_argument("--clips", type=int, default=60, help="number of clips, of all classes in turn (default: 60)")
    parser.add_argument("--repeat", type=int, default=5, help="repetitions (default: 5)")
    args = parser.parse_args()
    if not args.videos:
        args.videos = Path("demo")
        demo.make_demo(args.videos)
    videos = scan(args.videos)
    chosen = in_turn(videos)[: args.clips]
    for video in chosen:
        video.path.read_bytes()  # from the disk once
    seconds, differ = cpu_times([video.path for video in chosen], args.repeat)
    print(f"{len(chosen)} clips, {DEPTH} frames of {SIZE}x{SIZE} gray, {args.repeat} repetitions, median [range]\n")
    print(f"| {'way':41} | CPU ms a clip      | CPU of seeking / its CPU | frames unlike read() |")
    print("|---|---|---|---|")
    for way, name in enumerate(WAYS):
        ratio = spread(seconds[:, 0] / seconds[:, way])
        cost = spread(seconds[:, way] * 1e3, ".1f")
        print(f"| {name:41} | {cost:18} | {ratio:24} | {differ[name]:4} of {DEPTH * len(chosen)} |")
    times = load_times(videos, args.repeat)
    print(f"\nstore.load_clips of {len(videos)} videos, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("\n| processes | wall s | CPU s | wall of one process / its wall |\n|---|---|---|---|")
    for workers, values in times.items():
        ratio = spread(times[1][:, 0] / values[:, 0])
        print(f"| {workers} | {spread(values[:, 0])} | {spread(values[:, 1])} | {ratio} |")


if __name__ == "__main__":
    main()
