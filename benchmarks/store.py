"""What clips cost that lie scattered in the store: batches read from it, and steps of a training, against one array.

python benchmarks/store.py --clips 13320 --repeat 5

The ways take turns, so that a busy machine slows all of them. array: clips in a .npy file, in the order of the dataset;
in order, scattered: rows of a store; half: every other frame of records of twice the frames. All files are in the
system's cache.
"""

import argparse
import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
SHAPE = (32, 32, 10, 1)  # of a clip
DOUBLED = (32, 32, 20, 1)
BATCH = 128


def ways(folder, count):
    """{name: clips uint8 (count, 32, 32, 10, 1)} with other rows for each way."""
    from actioncnn.data.store import Clips, Records

    rng = np.random.default_rng(0)
    content = rng.integers(0, 256, (count, *SHAPE), np.uint8)
    np.save(folder / "array.npy", content)
    content.tofile(folder / "records")
    rng.integers(0, 256, (count, *DOUBLED), np.uint8).tofile(folder / "doubled")
    records, doubled = Records(SHAPE, folder / "records"), Records(DOUBLED, folder / "doubled")
    return {
        "array": np.load(folder / "array.npy", mmap_mode="r"),
        "in order": Clips(records, np.arange(count)),
        "scattered": Clips(records, rng.permutation(count)),
        "half, scattered": Clips(doubled, rng.permutation(count))[..., ::2, :],
    }


def reading(clips, batches=100):
    """Milliseconds to copy a batch."""
    from actioncnn.data.batches import training_places

    start = time.perf_counter()
    for step in range(batches):
        chosen = training_places(len(clips), BATCH, 0, step)
        clips[chosen]
    return (time.perf_counter() - start) / batches * 1e3


def training(clips, on, steps=6):
    """Milliseconds of a step of 3dcnn.py's network, after an epoch to warm up."""
    from actioncnn.data.clips import LabelledClips
    from actioncnn.train import loop, networks
    from actioncnn.train.recipes import NETWORKS
    from actioncnn.video.sampling import Sampling

    rows = np.random.default_rng(1).permutation(len(clips))[: BATCH * steps]
    targets = np.eye(101, dtype=np.float32)[np.arange(len(clips)) % 101]
    data = LabelledClips(None, Sampling(32, 10, False), clips, [], targets, {}, rows, rows[:0])
    marks = []
    build = partial(networks.cnn3d, SHAPE, 101)
    options = {"batch": BATCH, "epochs": 3, "seed": 0, "device": on}
    loop.fit(build, data, NETWORKS["cnn3d"].recipe, **options, on_epoch=lambda _: marks.append(time.perf_counter()))
    return (marks[2] - marks[0]) / (2 * steps) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=13_320, help="(default: those of UCF-101)")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--train", type=int, default=0, help="repetitions of a training (default: none)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clips = ways(Path(folder), args.clips)
        show("reading a batch", dict.fromkeys(clips, reading), clips, args.repeat)
        if args.train:
            from actioncnn import device

            on = device.setup()
            show("a step of a training", dict.fromkeys(clips, partial(training, on=on)), clips, args.train)


def show(title, measures, clips, repeat):
    milliseconds = {name: [] for name in clips}
    for _ in range(repeat):
        for name, measure in measures.items():
            milliseconds[name].append(measure(clips[name]))
    print(f"\n| {title} of {BATCH} clips | ms, median [range] | against the array, paired |\n|---|---|---|")
    for name, values in milliseconds.items():
        ratios = [value / first for value, first in zip(values, milliseconds["array"], strict=True)]
        spread = f"{statistics.median(values):.2f} [{min(values):.2f}-{max(values):.2f}]"
        print(f"| {name} | {spread} | {statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}] |")


if __name__ == "__main__":
    main()
