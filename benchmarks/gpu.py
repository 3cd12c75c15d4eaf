"""What a GPU reaches: speed of training, time to the second epoch, memory, one video. Prints tables for docs/speed.md.

python benchmarks/gpu.py > gpu.md

It takes at most --minutes and leaves out what does not fit into them, the last rows first. On a computer without a GPU
it does the same on the CPU; give --clips 64 --batch 8 there. Each row is a process of its own. Clips are random: 32 x
32 pixels, 10 frames, gray, as many as UCF-101 has in split 1. test: a third as many test clips, once. store: whether
XLA keeps its programs in a folder, which the suite does not have it do.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from importlib.metadata import version
from pathlib import Path

import training

ROOT = Path(__file__).resolve().parent.parent
BASE = {"network": "residual", "precision": "auto", "xla": True, "resident": True, "gpus": 1, "store": False}
STORE = {"store": True}  # the second process with it reads what the first wrote
TRAININGS = (  # in the order of what one wants to know first
    {}, {"network": "cnn3d"}, {"xla": False}, {"network": "cnn3d", "xla": False}, {"resident": False}, {"gpus": None},
    STORE, STORE | {"again": True}, {"precision": "mixed_float16"}, {"network": "cnn3d", "precision": "mixed_float16"},
    {"precision": "float32"}, {"network": "cnn3d", "precision": "float32"}, {"network": "cnn3d", "resident": False},
    {"network": "cnn2d"}, {"network": "cnn3d", "gpus": None},
)  # fmt: skip


def data_of(clips, network):
    """Random training clips, and a third as many test clips."""
    import numpy as np

    from actioncnn.data.clips import LabelledClips
    from actioncnn.video.sampling import Sampling

    total, depth = clips + clips // 3, 0 if network == "cnn2d" else training.SHAPE[2]
    shape = (32, 32, depth, 1) if depth else (32, 32, 1)
    pixels = np.random.default_rng(0).integers(0, 256, (total, *shape), np.uint8)
    targets, rows = np.eye(training.NCLASS, dtype=np.float32)[np.arange(total) % training.NCLASS], np.arange(total)
    return LabelledClips(None, Sampling(32, depth, False), pixels, [], targets, {}, rows[:clips], rows[clips:])


def train(case, args):
    """The figures of one training, of --epochs epochs."""
    import keras
    import tensorflow as tf

    from actioncnn import cli, device
    from actioncnn.train import loop, networks
    from actioncnn.train.recipes import NETWORKS

    on = device.setup("auto", case["gpus"], training=True)
    if case["precision"] != "auto":
        keras.config.set_dtype_policy(case["precision"])
    device.WORTH_COMPILING = 0 if case["xla"] else float("inf")
    on = on if case["resident"] else on._replace(memory=0)
    data = data_of(args.clips, case["network"])
    build = partial(getattr(networks, case["network"]), data.shape, training.NCLASS)
    recipe = NETWORKS[case["network"]].recipe
    trainer = loop.Trainer(build, data, recipe, args.batch, args.epochs, 0, on)
    epochs, tests, ends = [], [], []
    for epoch in range(args.epochs):
        start = time.perf_counter()
        trainer.train_epoch(epoch, cli.bar(total=args.clips * args.epochs, disable=True))
        between = time.perf_counter()
        trainer.validate()
        ends.append(time.time() - args.began)
        epochs.append(between - start)
        tests.append(time.perf_counter() - between)
    card = on.memory or on.jit_compile
    memory = tf.config.experimental.get_memory_info("GPU:0")["peak"] if card else 0
    told = {"device": on.name, "precision": keras.config.dtype_policy().name, "second": ends[1], "memory": memory}
    told |= {"xla": trainer.compiled, "resident": trainer.source.clips is not None}
    return told | {"rates": [args.clips / each for each in epochs[2:]], "test": statistics.median(tests[2:])}


def torch(case, args):
    from actioncnn import device

    on = device.setup("auto", 0)  # PyTorch has the card for itself
    rate = training.torch("cnn3d", args.batch, on._replace(precision="mixed_bfloat16"))
    return {"device": "PyTorch", "precision": "bfloat16", "rates": [rate]}


def video(case, args):
    """Seconds that predict.py takes for a video, twice: from its start to its end."""
    import cv2
    import numpy as np

    from actioncnn import device
    from actioncnn.model.saving import save_model
    from actioncnn.train import networks

    device.setup("float32", 0)
    with tempfile.TemporaryDirectory() as folder:
        files = [str(Path(folder, name)) for name in ("model.json", "model.hd5", "video.avi")]
        save_model(networks.cnn3d(training.SHAPE, training.NCLASS), *map(Path, files[:2]))
        writer = cv2.VideoWriter(files[2], cv2.VideoWriter_fourcc(*"MJPG"), 25, (320, 240))
        for frame in np.random.default_rng(0).integers(0, 256, (100, 240, 320, 3), np.uint8):
            writer.write(frame)
        writer.release()
        line = [sys.executable, str(ROOT / "predict.py"), "--model", files[0], "--weights", files[1], files[2]]
        seconds = []
        for _ in range(2):
            start = time.perf_counter()
            subprocess.run(line, check=True, capture_output=True)
            seconds.append(time.perf_counter() - start)
    return {"seconds": seconds}


KINDS = {"train": train, "torch": torch, "video": video}


def measure(kind, case, args, until, folder):
    """What a process of its own tells, a dict; text that says why not where it cannot."""
    left = until - time.monotonic()
    if left < 5:
        return "no time was left"
    environment = dict(os.environ)
    if case.get("store"):
        flags = f"--tf_xla_persistent_cache_directory={folder} --tf_xla_persistent_cache_prefix=actioncnn"
        environment["TF_XLA_FLAGS"] = flags
    line = [sys.executable, __file__, "--child", kind, "--case", json.dumps(case), "--began", str(time.time())]
    line += ["--clips", str(args.clips), "--batch", str(args.batch), "--epochs", str(args.epochs)]
    try:
        done = subprocess.run(line, capture_output=True, text=True, timeout=left, env=environment)
    except subprocess.TimeoutExpired:
        return "no time was left"
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["ended"])[-1][:200]
    return json.loads(done.stdout.splitlines()[-1])


def row_of(case, told):
    """The cells of a training."""
    kept = "read" if case.get("again") else "written" if case.get("store") else "-"
    if isinstance(told, str):
        asked = [case["network"], case["precision"], *("yes" if case[name] else "no" for name in ("xla", "resident"))]
        return [*asked, "1" if case["gpus"] == 1 else "all", kept, told, "", "", ""]
    rates = told["rates"]
    speed = f"{statistics.median(rates):,.0f} [{min(rates):,.0f}-{max(rates):,.0f}]"
    yes = ["yes" if told[name] else "no" for name in ("xla", "resident")]
    memory = f"{told['memory'] / 1e9:.1f}" if told["memory"] else ""
    gpus = "1" if case["gpus"] == 1 else "all"
    return [case["network"], told["precision"], *yes, gpus, kept, speed, f"{told['second']:.1f}", memory,
            f"{1000 * told['test']:.0f}"]  # fmt: skip


def driver():
    query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    try:
        told = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.strip()
    except OSError:
        return "no nvidia-smi"
    return "; ".join(told.splitlines())


def table(heads, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (heads, ["---"] * len(heads), *rows))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8, help="at most (default: 8)")
    parser.add_argument("--clips", type=int, default=9537, help="training clips (default: 9537)")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--epochs", type=int, default=8, help="of a training, at least 3 (default: 8)")
    parser.add_argument("--trainings", type=int, default=len(TRAININGS), help="only the first of them")
    for name, kind in (("child", str), ("case", json.loads), ("began", float)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        return print(json.dumps(KINDS[args.child](args.case, args)))
    until = time.monotonic() + 60 * args.minutes
    names = "tensorflow", "keras", "numpy"
    print(f"{driver()}; Python {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))
    print(f"{args.clips:,} training clips, batches of {args.batch}, {args.epochs} epochs\n", flush=True)
    heads = ["network", "precision", "XLA", "on the GPU", "GPUs", "store", "clips/s, median [range]",
             "second epoch after, s", "peak, GB", "test, ms"]  # fmt: skip
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        told = measure("video", {}, args, until, folder)
        for case in TRAININGS[: args.trainings]:
            case = BASE | case
            rows.append(row_of(case, measure("train", case, args, until, folder)))
            print(" ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(heads, rows))
    by_torch = measure("torch", {}, args, until, None)
    say = by_torch if isinstance(by_torch, str) else f"{by_torch['rates'][0]:,.0f} clips/s"
    print(f"\ncnn3d in PyTorch, one batch in memory, bfloat16: {say}")
    print(f"predict.py, one video, twice: {told if isinstance(told, str) else told['seconds']} s")


if __name__ == "__main__":
    main()
