"""Accuracy of each network and recipe on unseen groups and on a random split; makes the tables of docs/accuracy.md.

python benchmarks/accuracy.py --videos demo pasted letters/ words/ UCF-101/:YoYo,Punch --paste UCF-101/ --epochs 60
python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --epochs 30
python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --ablation
python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --epochs 100 --rows "2017 scaled"    # time to accuracy
python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --rows my-model --size 64    # what larger frames are worth

Every clip is tested once, by one of three networks trained on the other two folds: `group` folds keep the clips of
a group together, `random` folds do not. With --folds as many as there are groups each is tested by a network trained on
all others. Epochs are fixed beforehand: test clips choose nothing. Each training is a line of the results file as soon
as it ends, so an interrupted benchmark goes on where it stopped. Of several sets there is a table with their mean.
`demo` is the demo's motion set, `pasted` its motions on the real clips of --paste; made where they are missing.
--short, for development: one fold, a third of the epochs.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import accuracy_tables
import pasted

REFERENCE = accuracy_tables.REFERENCE
ROWS = ("2017", REFERENCE, "2017 2D", "2dcnn", "3dcnn", "my-model")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--videos",
        nargs="+",
        default=["demo"],
        help="datasets: demo, pasted, or DIR or DIR:Class,Class (default: demo)",
    )
    parser.add_argument("--paste", type=Path, help="real clips to make the set `pasted` of (pasted.py)")
    parser.add_argument("--short", action="store_true", help="one fold, a third of the epochs")
    parser.add_argument("--folds", type=int, default=3, help="at most the number of groups (default: %(default)s)")
    parser.add_argument("--nclass", type=int, default=101)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--size", type=int, default=32, help="side of a frame in pixels (default: %(default)s)")
    parser.add_argument("--depth", type=int, default=10, help="frames of a clip (default: %(default)s)")
    parser.add_argument("--color", action="store_true", help="RGB frames instead of gray ones")
    parser.add_argument("--rows", nargs="+", default=ROWS, help="networks and recipes: %(default)s")
    parser.add_argument("--protocols", nargs="+", default=("group", "random"), choices=("group", "random"))
    parser.add_argument("--ablation", action="store_true", help="instead: my-model without each part of its recipe")
    parser.add_argument("--precision", default="float32", choices=["auto", "float32", "mixed"])
    parser.add_argument("--threads", type=int, default=1, help="of TensorFlow; 0: one per core (default: 1)")
    parser.add_argument(
        "--results", type=Path, default=Path("accuracy.jsonl"), help="file of all trainings, appended to"
    )
    parser.add_argument("--table", action="store_true", help="only print the tables of --results")
    return parser.parse_args()


def load(videos, args):
    """({dimensions: LabelledClips of all clips}, {protocol: folds}) of one set, without a split.

    dimensions: 3, clips, or 2, their middle frames.
    """
    from actioncnn.data import demo, index, splits
    from actioncnn.data.clips import read_clips
    from actioncnn.data.dataset import understand
    from actioncnn.data.options import DatasetOptions
    from actioncnn.video.sampling import Sampling

    directory, _, classes = videos.partition(":")
    if videos == "demo":
        demo.make_demo(Path(videos))
    if videos == "pasted":
        pasted.make(args.paste or sys.exit("accuracy.py: --paste: give real clips to make `pasted` of"), Path(videos))
    if classes:  # of a directory these alone, by links
        directory = Path(tempfile.mkdtemp())
        for video in index.scan(videos.partition(":")[0]):
            if video.name in classes.split(","):
                (directory / video.path.name).symlink_to(video.path.absolute())
    dataset = understand(DatasetOptions(videos=directory, nclass=args.nclass))
    depths = {3: args.depth, 2: 0}
    data = {
        dimensions: read_clips(dataset, Sampling(args.size, depth, args.color), drawn=True)[0]
        for dimensions, depth in depths.items()
    }
    videos = data[3].videos
    groups = len({video.path if video.group is None else video.group for video in videos})
    if not 2 <= args.folds <= groups:
        sys.exit(f"accuracy.py: --folds {args.folds}: {directory} has {groups} groups; give 2 to {groups}")
    ungrouped = [video._replace(group=None) for video in videos]
    folds = {"group": splits.folds(videos, args.folds, 0), "random": splits.folds(ungrouped, args.folds, 0)}
    return data, {name: pairs[: 1 if args.short else args.folds] for name, pairs in folds.items()}


def cnn3d_2017(input_shape, nclass, scaled=False, instead=None):
    """The network of 2017 as it was: raw 0-255 input (0-1 if `scaled`), softmax between convolutions, sigmoid dense."""
    from keras import layers

    from actioncnn.train.networks import chain

    steps = [layers.Rescaling(1 / 255)] * scaled
    for filters in (32, 64):
        for activation in ("relu", "softmax"):
            steps.append(layers.Conv3D(filters, 3, padding="same", activation=activation))
        steps += [layers.MaxPooling3D(3, padding="same"), layers.Dropout(0.25)]
    steps += [layers.Flatten(), layers.Dense(512, activation="sigmoid"), layers.Dropout(0.5)]
    return chain(input_shape, [*steps, layers.Dense(nclass, activation="softmax")])


def cnn2d_2017(input_shape, nclass, instead=None):
    """The 2D network of 2017 as it was: raw 0-255 input, ReLU throughout."""
    from keras import layers

    from actioncnn.train.networks import chain

    steps = []
    for filters in (32, 64):
        for padding in ("same", "valid"):
            steps.append(layers.Conv2D(filters, 3, padding=padding, activation="relu"))
        steps += [layers.MaxPooling2D(2), layers.Dropout(0.25)]
    steps += [layers.Flatten(), layers.Dense(512, activation="relu"), layers.Dropout(0.5)]
    return chain(input_shape, [*steps, layers.Dense(nclass, activation="softmax")])


def variants(classes):
    """{row: (network, recipe, dimensions)}."""
    from actioncnn.train import networks
    from actioncnn.train.recipes import NETWORKS, Augment, Recipe, may_be_mirrored

    def augmented(name):
        recipe = NETWORKS[name].recipe
        return dataclasses.replace(recipe, augment=recipe.augment._replace(flip=may_be_mirrored(classes)))

    plain = Recipe(learning_rate=1e-3, final=1, augment=Augment())  # Adam as Keras brings it
    mine = augmented("residual")
    parts = {
        "Muon": dataclasses.replace(mine, optimizer="adam", learning_rate=2e-3),
        "cosine decay": dataclasses.replace(mine, final=1),
        "averaged weights": dataclasses.replace(mine, final=0, average=0),
        "any augmentation": dataclasses.replace(mine, augment=Augment()),
    }
    for part in ("crop", "light", "flip", "frames"):
        parts[part] = dataclasses.replace(mine, augment=mine.augment._replace(**{part: getattr(Augment(), part)}))
    return {
        "2017": (cnn3d_2017, plain, 3),
        REFERENCE: (functools.partial(cnn3d_2017, scaled=True), plain, 3),
        "2017 2D": (cnn2d_2017, plain, 2),
        "2dcnn": (networks.cnn2d, augmented("cnn2d"), 2),
        "3dcnn": (networks.cnn3d, augmented("cnn3d"), 3),
        "my-model": (networks.residual, mine, 3),
    } | {f"my-model without {part}": (networks.residual, less, 3) for part, less in parts.items()}


def train(args, data, folds, variant, protocol, seed, on):
    """The figures of one line of the results: trainings that test each clip, in short those of a fold, once."""
    import numpy as np
    from keras.backend import clear_session

    from actioncnn.train import loop

    network, recipe, dimensions = variant
    targets, curves, clips = data[dimensions].targets, [], data[dimensions].videos
    start, cpu = time.perf_counter(), time.process_time()
    probabilities = np.zeros(targets.shape)
    for train_rows, test_rows in folds[protocol]:
        part = dataclasses.replace(data[dimensions], train=train_rows, test=test_rows)
        if not recipe.augment.frames:  # the network is trained on the frames that it is tested on
            part = dataclasses.replace(part, doubled=None)
        build = functools.partial(network, part.shape, len(part.classes))
        options = {"batch": args.batch, "epochs": args.epochs, "seed": seed, "device": on}
        model, history = loop.fit(build, part, recipe, **options)
        probabilities[part.test] = loop.predict(model, part, args.batch, on)
        curves.append([line["val_acc"] for line in history])
        parameters = model.count_params()
        clear_session()
    tested = np.concatenate([test for _, test in folds[protocol]])
    truth = targets[tested].argmax(1)
    return {
        "accuracy": float((probabilities[tested].argmax(1) == truth).mean()),
        "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu, "parameters": parameters,
        "seen": args.epochs * sum(len(train) for train, _ in folds[protocol]),
        "curve": np.average(curves, axis=0, weights=[len(test) for _, test in folds[protocol]]).round(4).tolist(),
        "truth": truth.tolist(), "probabilities": probabilities[tested].round(5).tolist(),
        "groups": [f"clip {row}" if clips[row].group is None else str(clips[row].group) for row in tested],
    }  # fmt: skip


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def name_of_input(args):
    """What a row's name says of the network's input where it is not the default one."""
    size = f", {args.size}x{args.size} pixels" if args.size != 32 else ""
    depth = f", {args.depth} frames" if args.depth != 10 else ""
    return size + depth + (", colour" if args.color else "")


def measure(args):
    """Trains what --results does not have, a line of it each."""
    from actioncnn import device

    on = device.setup(args.precision)
    import tensorflow as tf

    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    for videos in args.videos:
        data, folds = load(videos, args)
        rows, input_name = variants(data[3].classes), name_of_input(args)
        names = [name for name in rows if "without" in name] if args.ablation else args.rows
        for seed, protocol, row in itertools.product(range(args.seeds), args.protocols, names):
            key = {"videos": videos, "row": row + input_name, "protocol": protocol, "seed": seed, "epochs": args.epochs}
            key["folds"] = len(folds[protocol])
            if any(line.items() >= key.items() for line in read(args.results)):
                continue
            line = key | train(args, data, folds, rows[row], protocol, seed, on)
            print(
                f"{videos}, {key['row']}, {protocol}, seed {seed}: {line['accuracy']:.4f}, {line['seconds']:.0f} s",
                flush=True,
            )
            with args.results.open("a") as file:
                file.write(json.dumps(line) + os.linesep)


def main():
    args = arguments()
    args.epochs = max(1, args.epochs // 3) if args.short else args.epochs
    if not args.table:
        measure(args)
    lines = [line for line in read(args.results) if line["videos"] in args.videos]
    for videos in args.videos:
        accuracy_tables.show_set(videos, [line for line in lines if line["videos"] == videos])
    if len(args.videos) > 1:
        accuracy_tables.show_sets(args.videos, lines)


if __name__ == "__main__":
    main()
