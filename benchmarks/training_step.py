"""Time of a training step of 3dcnn.py against the bare step of the same network, and what each choice brings.

python benchmarks/training_step.py --repeat 3

Variants, each in a process of its own, in turn:
  bare      the network without Permute (time last inside), one batch again and again, oneDNN: the reference
  suite     what 3dcnn.py runs: time first inside, batches from a memory-mapped file, augmentation, Adam, progress bar
  default   the bare step with TensorFlow as it comes (oneDNN only where TensorFlow turns it on by itself)
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
BATCH = 128  # clips
SHAPE = (32, 32, 10, 1)  # of a clip
NCLASS = 101


def bare(steps):
    """CPU and wall seconds of a step."""
    import numpy as np
    from keras import layers

    from actioncnn.train import networks

    model = networks.cnn3d(SHAPE, NCLASS)
    kept = [layer for layer in model.layers[1:] if not isinstance(layer, layers.Permute)]
    model = networks.chain(SHAPE, [type(layer).from_config(layer.get_config()) for layer in kept])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    clips = np.random.default_rng(0).uniform(0, 255, (BATCH, *SHAPE)).astype(np.float32)
    targets = np.eye(NCLASS, dtype=np.float32)[np.arange(BATCH) % NCLASS]
    for _ in range(2):
        model.train_on_batch(clips, targets)
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(clips, targets)
    return (time.process_time() - cpu) / steps, (time.perf_counter() - wall) / steps


def suite(steps):
    import numpy as np

    from actioncnn.data.dataset import Data
    from actioncnn.train import loop, networks
    from actioncnn.train.recipes import NETWORKS
    from actioncnn.video.sampling import Sampling

    marks = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.npy"
        count = BATCH * steps
        np.save(path, np.random.default_rng(0).integers(0, 256, (count, *SHAPE), np.uint8))
        targets = np.eye(NCLASS, dtype=np.float32)[np.arange(count) % NCLASS]
        clips, rows = np.load(path, mmap_mode="r"), np.arange(count)
        data = Data(Sampling(32, 10, False), clips, [], [], targets, {}, rows, rows[:0])
        loop.fit(
            lambda: networks.cnn3d(SHAPE, NCLASS),
            data,
            NETWORKS["cnn3d"].recipe,
            batch=BATCH,
            epochs=2,
            seed=0,
            jit_compile=False,
            on_epoch=lambda history: marks.append((time.process_time(), time.perf_counter())),
        )
    return (marks[1][0] - marks[0][0]) / steps, (marks[1][1] - marks[0][1]) / steps


def child(variant, steps):
    if variant == "default":
        os.environ.pop("TF_ENABLE_ONEDNN_OPTS", None)
        os.environ["KERAS_BACKEND"] = "tensorflow"
    else:
        from actioncnn import device

        device.setup("float32")
    print(json.dumps((suite if variant == "suite" else bare)(steps)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--variants", nargs="+", default=["bare", "suite", "default"])
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(args.child, args.steps)
    times = {variant: [] for variant in args.variants}
    for _ in range(args.repeat):
        for variant in args.variants:
            command = [sys.executable, __file__, "--child", variant, "--steps", str(args.steps)]
            done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
            times[variant].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{'variant':10}{'CPU s/step':>12}{'wall s/step':>13}   CPU against {args.variants[0]}, median [range]")
    for variant, pairs in times.items():
        ratios = [cpu / reference for (cpu, _), (reference, _) in zip(pairs, times[args.variants[0]], strict=True)]
        cpu, wall = (statistics.median(column) for column in zip(*pairs, strict=True))
        spread = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"
        print(f"{variant:10}{cpu:12.2f}{wall:13.2f}   {spread}")


if __name__ == "__main__":
    main()
