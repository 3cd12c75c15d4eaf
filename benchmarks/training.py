"""How fast networks train: clips a second of bare steps and of whole epochs, in each precision that the machine has.

python benchmarks/training.py --repeat 3

Each variant runs in a process of its own, in turn, so that a busy machine slows all of them; ratios are to the first
variant in the same round. bare: one batch in memory again and again, Keras's own layers, train_on_batch. suite: whole
epochs of the suite's loop but the first and the last: clips from a memory-mapped file, augmentation, progress bar. end:
seconds of the last epoch beyond one of these, for the mean of the weights. torch: the same network in PyTorch where it
is installed, one batch in memory. peak: the share of what products of 2048 x 2048 matrices reach.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
SHAPE = (32, 32, 10, 1)  # of a clip
NCLASS = 101
GFLOP = {"cnn3d": 2.22, "residual": 1.09}  # of a clip, forward and backward: counted from the shapes of the layers


def rate_of(step, clips, seconds=3.0):
    """Clips a second of step(), which takes `clips` of them, after two calls to warm up."""
    for _ in range(2):
        step()
    count, start = 0, time.perf_counter()
    while count < 2 or time.perf_counter() - start < seconds:
        step()
        count += 1
    return count * clips / (time.perf_counter() - start)


def random_batch(batch):
    import numpy as np

    clips = np.random.default_rng(0).integers(0, 256, (batch, *SHAPE), np.uint8)
    return clips, np.eye(NCLASS, dtype=np.float32)[np.arange(batch) % NCLASS]


def bare(network, batch, on):
    import tensorflow as tf

    from actioncnn.train import networks

    model = getattr(networks, network)(SHAPE, NCLASS)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"], jit_compile=on.jit_compile)
    clips, targets = (tf.constant(array, tf.float32) for array in random_batch(batch))
    return rate_of(lambda: model.train_on_batch(clips, targets), batch)


def suite(network, batch, on, steps=8, epochs=4):
    """Clips a second, and the seconds that only the last epoch takes."""
    import numpy as np

    from actioncnn.data.clips import LabelledClips
    from actioncnn.train import loop, networks
    from actioncnn.train.recipes import NETWORKS
    from actioncnn.video.sampling import Sampling

    marks, loop.EVERY = [], 0  # the end of each epoch is told
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clips.npy"
        clips, targets = random_batch(batch * steps)
        np.save(path, clips)
        rows = np.arange(batch * steps)
        data = LabelledClips(
            None, Sampling(32, 10, False), np.load(path, mmap_mode="r"), [], targets, {}, rows, rows[:0]
        )
        build = partial(getattr(networks, network), SHAPE, NCLASS)
        options = {"batch": batch, "epochs": epochs, "seed": 0, "device": on}
        mark = lambda history: marks.append(time.perf_counter())  # noqa: E731
        loop.fit(build, data, NETWORKS[network].recipe, **options, on_epoch=mark)
    epoch = (marks[-2] - marks[0]) / (epochs - 2)
    return batch * steps / epoch, marks[-1] - marks[-2] - epoch


def torch(network, batch, on):
    """cnn3d in PyTorch, channels last, time first."""
    import torch
    from torch import nn

    convolution = lambda *sizes: (nn.Conv3d(*sizes, 3, padding=1), nn.ReLU())  # noqa: E731
    pool = lambda: (nn.MaxPool3d(3, ceil_mode=True), nn.Dropout(0.25))  # noqa: E731
    model = nn.Sequential(
        *convolution(1, 32), *convolution(32, 32), *pool(), *convolution(32, 64), *convolution(64, 64), *pool(),
        nn.Flatten(), nn.LazyLinear(512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, NCLASS),
    )  # fmt: skip
    device = "cuda" if torch.cuda.is_available() else "cpu"
    clips, targets = random_batch(batch)
    clips = torch.tensor(clips).permute(0, 4, 3, 1, 2).to(device, memory_format=torch.channels_last_3d)
    targets, kind = torch.tensor(targets).to(device), torch.bfloat16 if on.precision != "float32" else torch.float32
    model = model.to(device)
    model(clips[:1] / 255.0)
    model = model.to(memory_format=torch.channels_last_3d)
    optimizer = torch.optim.Adam(model.parameters())

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, kind, enabled=kind is torch.bfloat16):
            loss = nn.functional.cross_entropy(model(clips / 127.5 - 1), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return rate_of(step, batch)


def peak(on):
    """GFLOP a second of products of matrices."""
    import tensorflow as tf

    several = 20  # in a call, so that a GPU need not wait for the next
    matrix = tf.cast(tf.random.uniform((2048, 2048)), "float32" if on.precision == "float32" else on.precision[6:])

    @tf.function
    def products():
        one = lambda done, product: (done + 1, matrix @ (product / 2048))  # noqa: E731
        return tf.reduce_sum(tf.while_loop(lambda done, _: done < several, one, (0, matrix))[1])

    return rate_of(lambda: products().numpy(), several * 2 * 2048**3 / 1e9)


WAYS = {"bare": bare, "torch": torch}


def child(way, network, precision, batch):
    from actioncnn import device

    on = device.setup(precision, training=True)
    device.WORTH_COMPILING = 0  # a GPU compiles, as in a long training
    rate, end = suite(network, batch, on) if way == "suite" else (WAYS[way](network, batch, on), None)
    told = {"rate": rate, "end": end, "peak": peak(on), "device": on.name, "precision": on.precision}
    print(json.dumps(told))


def measure(variant, batch):
    """What a process of its own prints, or None where it cannot run."""
    command = [sys.executable, __file__, "--batch", str(batch), "--child", *variant]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--networks", nargs="+", default=list(GFLOP), choices=list(GFLOP))
    parser.add_argument("--precisions", nargs="+", default=["float32", "auto"], choices=["float32", "auto", "mixed"])
    parser.add_argument("--ways", nargs="+", default=["bare", "suite", "torch"], choices=["bare", "suite", "torch"])
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return child(*args.child, args.batch)
    variants = [(way, net, kind) for net in args.networks for kind in args.precisions for way in args.ways]
    variants = [variant for variant in variants if variant[:2] != ("torch", "residual")]
    results = {variant: [] for variant in variants}
    for _ in range(args.repeat):
        for variant in variants:
            results[variant].append(measure(variant, args.batch))
    report(results, args.networks)
    print(f"\n{next(runs for runs in results.values() if None not in runs)[0]['device']}, batch {args.batch}")


def report(results, networks):
    print("| network | way | precision | clips/s, median [range] | against the first | share of the peak | end, s |")
    print("|---|---|---|---|---|---|---|")
    reference = {network: next(variant for variant in results if variant[1] == network) for network in networks}
    for (way, network, _), runs in results.items():
        if None in runs:
            continue
        rates = [run["rate"] for run in runs]
        ratios = [run["rate"] / first["rate"] for run, first in zip(runs, results[reference[network]], strict=True)]
        share = statistics.median(run["rate"] * GFLOP[network] / run["peak"] for run in runs)
        spread = f"{statistics.median(rates):.0f} [{min(rates):.0f}-{max(rates):.0f}]"
        times = f"{statistics.median(ratios):.2f} [{min(ratios):.2f}-{max(ratios):.2f}]"
        end = "" if runs[0]["end"] is None else f"{statistics.median(run['end'] for run in runs):.1f}"
        print(f"| {network} | {way} | {runs[0]['precision']} | {spread} | {times} | {share:.0%} | {end} |")


if __name__ == "__main__":
    main()
