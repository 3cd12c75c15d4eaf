"""Accuracy of each network and recipe on unseen groups and on a random split; regenerates the README's tables.

python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --epochs 30
python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --ablation
python benchmarks/accuracy.py --videos UCF-101/ --nclass 3 --epochs 100 --rows "2017 scaled"    # time to accuracy
python benchmarks/accuracy.py --videos pasted --paste UCF-101/      # the demo's motions on real clips, made first

Every clip is tested once, by one of three networks trained on the other two folds: `group` folds keep the clips of
a group together, `random` folds do not. Epochs are fixed beforehand: test clips choose nothing. Each training is a
line of the results file as soon as it ends, so an interrupted benchmark goes on where it stopped. Without --videos:
the demo's motion set.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pasted

FOLDS = 3
REFERENCE = "2017 scaled"
ROWS = ("2017", REFERENCE, "2017 2D", "2dcnn", "3dcnn", "my-model")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--videos", type=Path, default=Path("demo"), help="dataset; made if it is the demo (default: demo)"
    )
    parser.add_argument("--paste", type=Path, help="real clips to make --videos of (pasted.py)")
    parser.add_argument("--nclass", type=int, default=101)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=3)
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


def load(args):
    """({depth: dataset.Data of all clips}, {protocol: folds}) without a split."""
    from actioncnn.data import demo, splits
    from actioncnn.data.dataset import load_dataset
    from actioncnn.video.sampling import Sampling

    if args.videos == Path("demo"):
        demo.make_demo(args.videos)
    if args.paste:
        pasted.make(args.paste, args.videos)
    data = {depth: load_dataset(args.videos, args.nclass, Sampling(32, depth, False))[0] for depth in (10, 0)}
    videos = data[10].videos
    ungrouped = [video._replace(group=None) for video in videos]
    folds = {"group": splits.folds(videos, FOLDS, 0), "random": splits.folds(ungrouped, FOLDS, 0)}
    return data, folds


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
    """{row: (network, recipe, depth)}."""
    from actioncnn.train import networks
    from actioncnn.train.recipes import NETWORKS, Augment, Recipe
    from actioncnn.train.run import may_be_mirrored

    def augmented(name):
        recipe = NETWORKS[name].recipe
        return dataclasses.replace(recipe, augment=recipe.augment._replace(flip=may_be_mirrored(classes)))

    plain = Recipe(learning_rate=1e-3, final=1, augment=Augment())  # Adam as Keras brings it
    mine = augmented("residual")
    parts = {
        "cosine decay": dataclasses.replace(mine, final=1),
        "any augmentation": dataclasses.replace(mine, augment=Augment()),
    }
    for part in ("scale", "light", "flip"):
        parts[part] = dataclasses.replace(mine, augment=mine.augment._replace(**{part: 0}))
    return {
        "2017": (cnn3d_2017, plain, 10),
        REFERENCE: (functools.partial(cnn3d_2017, scaled=True), plain, 10),
        "2017 2D": (cnn2d_2017, plain, 0),
        "2dcnn": (networks.cnn2d, augmented("cnn2d"), 0),
        "3dcnn": (networks.cnn3d, augmented("cnn3d"), 10),
        "my-model": (networks.residual, mine, 10),
    } | {f"my-model without {part}": (networks.residual, less, 10) for part, less in parts.items()}


def train(args, data, folds, row, variant, protocol, seed, on):
    """One line of the results: FOLDS trainings that test each clip once."""
    import numpy as np
    from keras.backend import clear_session

    from actioncnn.train import loop

    network, recipe, depth = variant
    targets, curves = data[depth].targets, []
    truth = targets.argmax(1)
    start, cpu = time.perf_counter(), time.process_time()
    probabilities = np.zeros(targets.shape)
    for train_rows, test_rows in folds[protocol]:
        part = dataclasses.replace(data[depth], train=train_rows, test=test_rows)
        build = functools.partial(network, part.shape, len(part.classes))
        options = {"batch": args.batch, "epochs": args.epochs, "seed": seed, "device": on}
        model, history = loop.fit(build, part, recipe, **options)
        probabilities[part.test] = loop.predict(model, part, args.batch, on)
        curves.append([line["val_acc"] for line in history])
        parameters = model.count_params()
        clear_session()
    weights = [len(test) for _, test in folds[protocol]]
    return {
        "videos": str(args.videos), "row": row, "protocol": protocol, "seed": seed, "epochs": args.epochs,
        "accuracy": float((probabilities.argmax(1) == truth).mean()),
        "seconds": time.perf_counter() - start, "cpu": time.process_time() - cpu,
        "parameters": parameters, "clips": sum(weights),
        "curve": np.average(curves, axis=0, weights=weights).round(4).tolist(),
        "truth": truth.tolist(), "probabilities": probabilities.round(5).tolist(),
    }  # fmt: skip


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def show(lines, epochs):
    """The table of one number of epochs: mean and range over seeds, CPU seconds of a seed's three trainings."""
    import numpy as np

    lines = [line for line in lines if line["epochs"] == epochs]
    print(f"\n{epochs} epochs, accuracy in % as mean [range over seeds]")
    print("| network | parameters | group folds | random folds | CPU seconds | clips/s |\n|---|---|---|---|---|---|")
    for row in dict.fromkeys(line["row"] for line in lines):
        cells, chosen = [], [line for line in lines if line["row"] == row]
        for protocol in ("group", "random"):
            found = [100 * line["accuracy"] for line in chosen if line["protocol"] == protocol]
            text = f"{np.mean(found):.1f} [{min(found):.1f}-{max(found):.1f}] of {len(found)}" if found else ""
            cells.append(text)
        seconds = np.median([line["cpu"] for line in chosen])
        rate = chosen[0]["clips"] * (FOLDS - 1) * epochs / seconds
        print(f"| {row} | {chosen[0]['parameters']:,} | {cells[0]} | {cells[1]} | {seconds:.0f} | {rate:.0f} |")
    for row, protocol in dict.fromkeys((line["row"], line["protocol"]) for line in lines):
        members = [line for line in lines if (line["row"], line["protocol"]) == (row, protocol)]
        if len(members) > 1 and row in ROWS:
            mean = np.mean([line["probabilities"] for line in members], axis=0).argmax(1)
            right = 100 * (mean == members[0]["truth"]).mean()
            print(f"ensemble of {len(members)} {row}, {protocol} folds: {right:.1f}")


def show_times(lines):
    """Epochs and CPU seconds until each network first has the final accuracy of the longest reference run."""
    import numpy as np

    lines = [line for line in lines if line["protocol"] == "group"]
    reference = max((line for line in lines if line["row"] == REFERENCE), key=lambda line: line["epochs"], default=None)
    if not reference:
        return
    goal = reference["accuracy"]
    print(f"\ntime to {100 * goal:.1f} %, which {REFERENCE} has after {reference['epochs']} epochs; median over seeds")
    print("| network | epochs planned | epochs needed | CPU seconds | share of the reference |\n|---|---|---|---|---|")
    for row, epochs in sorted({(line["row"], line["epochs"]) for line in lines if line["row"] in ROWS}):
        needed, seconds = [], []
        for line in lines:
            if (line["row"], line["epochs"]) == (row, epochs):
                reached = np.flatnonzero(np.array(line["curve"]) >= goal - 5e-5)
                needed.append(reached[0] + 1 if len(reached) else np.inf)
                seconds.append(line["cpu"] * needed[-1] / epochs)
        print(
            f"| {row} | {epochs} | {np.median(needed):g} | {np.median(seconds):.0f} |"
            f" {np.median(seconds) / reference['cpu']:.3f} |"
        )


def measure(args):
    """Trains what --results does not have, a line of it each."""
    from actioncnn import device

    data, folds = load(args)
    on = device.setup(args.precision)
    import tensorflow as tf

    if args.threads:
        tf.config.threading.set_intra_op_parallelism_threads(args.threads)
    rows = variants(data[10].classes)
    names = [name for name in rows if "without" in name] if args.ablation else args.rows
    done = {
        (line["videos"], line["row"], line["protocol"], line["seed"], line["epochs"]) for line in read(args.results)
    }
    for seed, protocol, row in itertools.product(range(args.seeds), args.protocols, names):
        if (str(args.videos), row, protocol, seed, args.epochs) not in done:
            line = train(args, data, folds, row, rows[row], protocol, seed, on)
            print(f"{row}, {protocol}, seed {seed}: {line['accuracy']:.4f}, {line['seconds']:.0f} s", flush=True)
            with args.results.open("a") as file:
                file.write(json.dumps(line) + os.linesep)


def main():
    args = arguments()
    if not args.table:
        measure(args)
    lines = [line for line in read(args.results) if line["videos"] == str(args.videos)]
    print(f"\n{args.videos}")
    for epochs in sorted({line["epochs"] for line in lines}):
        show(lines, epochs)
    show_times(lines)


if __name__ == "__main__":
    main()
