"""Fine-tuning against training from scratch: a few clips a class, tested on groups that no network has seen.

python benchmarks/finetuning.py --videos UCF-101/ --classes ApplyEyeMakeup,Punch,YoYo

For each of three folds of groups the chosen network learns the other classes of --source (by default of --videos, then
without the fold's groups), all their clips; then --shots clips of each of --classes, drawn anew for each seed from the
other groups, in each of the WAYS. Each training is a line of the results file as soon as it ends.
"""

import argparse
import dataclasses
import functools
import itertools
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

FOLDS = 3
WAYS = ("scratch", "all layers", "head alone", "head first")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=Path, required=True)
    parser.add_argument("--classes", required=True, help="names, with commas between them")
    parser.add_argument("--source", type=Path, help="videos of other classes (default: --videos)")
    parser.add_argument("--shots", type=int, default=5, help="training clips a class (default: 5)")
    parser.add_argument("--networks", nargs="+", default=("cnn3d", "residual"))
    parser.add_argument("--ways", nargs="+", default=WAYS)
    parser.add_argument("--folds", type=int, nargs="+", default=range(FOLDS), help="only these (default: all)")
    parser.add_argument("--epochs", type=int, default=40, help="of the few clips, in batches of 8 (default: 40)")
    parser.add_argument("--source-epochs", type=int, default=60, help="of the source, in batches of 32 (default: 60)")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--results", type=Path, default=Path("finetuning.jsonl"), help="appended to")
    parser.add_argument("--models", type=Path, default=Path("finetuning"), help="directory of the sources' networks")
    return parser.parse_args()


def of_classes(data, classes):
    """The LabelledClips of some of their classes."""
    import numpy as np

    rows = [row for row, video in enumerate(data.videos) if video.name in classes and row not in data.failures]
    targets = np.eye(len(classes), dtype=np.float32)[[classes.index(data.videos[row].name) for row in rows]]
    videos = [data.videos[row] for row in rows]
    dataset = dataclasses.replace(data.dataset, videos=videos)
    return dataclasses.replace(data, clips=data.clips[rows], dataset=dataset, classes=classes, targets=targets)


def recipe_of(name, classes):
    from actioncnn.train.recipes import NETWORKS, may_be_mirrored

    recipe = NETWORKS[name].recipe
    return dataclasses.replace(recipe, augment=recipe.augment._replace(flip=may_be_mirrored(classes)))


def fit(name, data, recipe, seed, on, epochs, batch, begin=lambda model: None):
    """A trained network of Keras's own layers."""
    from actioncnn.train import loop, networks

    build = functools.partial(getattr(networks, name), data.shape, len(data.classes))

    def begun(instead=None):
        model = build(instead=instead)
        begin(model)
        return model

    model, _ = loop.fit(begun, data, recipe, batch=batch, epochs=epochs, seed=seed, device=on)
    return loop.in_float32(build, model)


def save(model, classes, folder):
    from actioncnn.model.saving import save_model
    from actioncnn.runs.classes import write_classes

    folder.mkdir(parents=True, exist_ok=True)
    write_classes(folder, classes)
    save_model(model, folder / "model.json", folder / "model.hd5")


def tune(name, data, way, seed, on, epochs, source, folder):
    """A network trained on a few clips in one of the WAYS."""
    from actioncnn.train.start import Start

    recipe = recipe_of(name, data.classes)
    if way == "scratch":
        return fit(name, data, recipe, seed, on, epochs, 8)
    start = Start(source, data.sampling)
    take = functools.partial(start.take, classes=data.classes)
    if way == "head first":
        model = fit(name, data, recipe, seed, on, epochs // 2, 8, functools.partial(take, freeze=True))
        save(model, data.classes, folder)
        take, epochs = functools.partial(Start(folder, data.sampling).take, classes=data.classes), epochs - epochs // 2
    return fit(name, data, recipe, seed, on, epochs, 8, functools.partial(take, freeze=way == "head alone"))


def few(rows, labels, shots, seed):
    """`shots` rows of each class."""
    import numpy as np

    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(rows[labels[rows] == label])[:shots] for label in np.unique(labels)])


def measure(args):
    import numpy as np

    from actioncnn import device
    from actioncnn.data import splits
    from actioncnn.data.clips import read_clips
    from actioncnn.data.dataset import understand
    from actioncnn.data.options import DatasetOptions
    from actioncnn.video.sampling import Sampling

    classes = args.classes.split(",")
    read_all = lambda videos: read_clips(  # noqa: E731
        understand(DatasetOptions(videos=Path(videos), nclass=10_000)), Sampling(32, 10, False)
    )[0]
    everything = read_all(args.videos)
    data = of_classes(everything, classes)
    others = read_all(args.source) if args.source else everything
    others = of_classes(others, [name for name in others.classes if name not in classes])
    labels = data.labels(np.arange(len(data.videos)))
    on = device.setup()
    from keras.backend import clear_session

    from actioncnn.train import loop

    done = {tuple(line["key"]) for line in read(args.results)}
    nothing = np.array([], int)
    sides = splits.folds(data.videos, FOLDS, 0)
    for seed, fold, name in itertools.product(range(args.seeds), args.folds, args.networks):
        train, test = sides[fold]
        held = set() if args.source else {data.videos[row].group for row in test}
        source = args.models / f"{args.videos.name}-{name}" / ("all" if args.source else str(fold))
        if not (source / "model.hd5").exists():
            rows = np.array([row for row, video in enumerate(others.videos) if video.group not in held])
            part = dataclasses.replace(others, train=rows, test=nothing)
            save(fit(name, part, recipe_of(name, part.classes), 0, on, args.source_epochs, 32), part.classes, source)
            clear_session()
        for way in args.ways:
            key = (args.videos.name, name, way, fold, seed, args.epochs, args.shots)
            if key in done:
                continue
            part = dataclasses.replace(data, train=few(train, labels, args.shots, seed), test=nothing)
            model = tune(name, part, way, seed, on, args.epochs, source / "model.json", args.models / "first")
            right = loop.predict(model, dataclasses.replace(part, test=test), 64, on).argmax(1) == labels[test]
            line = {"key": key, "right": int(right.sum()), "of": len(test), "source": len(others.classes)}
            print(*key, f"{right.mean():.3f}", flush=True)
            with args.results.open("a") as file:
                file.write(json.dumps(line) + "\n")
            clear_session()


def read(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def show(lines):
    """Accuracy in % over the folds, mean [range] of the seeds."""
    import numpy as np

    cases = {}
    for line in lines:
        videos, name, way, _, seed, epochs, shots = line["key"]
        of_seed = cases.setdefault((videos, name, epochs, shots, way), {}).setdefault(seed, [0, 0])
        of_seed[0], of_seed[1] = of_seed[0] + line["right"], of_seed[1] + line["of"]
    print("\n| videos | network | epochs | clips a class | way | accuracy |\n|---|---|---|---|---|---|")
    for case, seeds in sorted(cases.items(), key=str):
        found = [100 * right / count for right, count in seeds.values()]
        print(f"| {' | '.join(map(str, case))} | {np.mean(found):.1f} [{min(found):.1f}-{max(found):.1f}] |")


if __name__ == "__main__":
    args = arguments()
    measure(args)
    show(read(args.results))
