"""Which map of evidence is the best: the default of explain.py against others, as a table.

python benchmarks/evidence.py --run results/demo --clips 24                     # a run trained on the demo
python benchmarks/evidence.py --run results/pasted --clips 24 --pasted UCF-101/ # one trained on benchmarks/pasted.py

The clips are demo clips of a seed that no run was trained on, or pasted ones. Columns, means over the clips:
- object: share of the evidence for the class on the moving objects, which motion.py knows; more is better.
- deletion, insertion: mean probability of the class while pixels are hidden, or shown, strongest evidence first
  (Petsiuk 2018); what is hidden is the clip's mean / blurred. Less deletion is better, and more insertion.
- random: correlation (Spearman) of the map with that of the same network with its weights shuffled within each layer,
  signed / of the size (Adebayo 2018): a map that resembles it does not show what the network has learned.
- CPU: milliseconds of processor time a map.
"""

import argparse
import copy
import sys
import time
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.attribution import METHODS, probabilities  # noqa: E402

SEED = 1  # of the demo clips; runs are trained on those of seed 0
STEPS = 8  # of the curves
FEW = 4  # clips whose map is compared with that of random weights


def demo_clip(sampling, number, _):
    """(clip, opacity of the objects (T, H, W), class name) of a demo clip."""
    from actioncnn.data import motion

    group, name = 1 + number // 8, sorted(motion.CLASSES)[number % 8]
    objects = (scene := motion.make_scene(np.random.default_rng([SEED, group]), 3 if sampling.color else 1))[2]
    key = [SEED, group, list(motion.CLASSES).index(name) + 1, 1]
    frames = motion.render_clip(scene, name, np.random.default_rng(key))
    return fitted(frames, truth(name, np.random.default_rng(key), motion.FRAMES, objects), sampling, name)


def pasted_clip(sampling, number, source):
    """The same of a clip of benchmarks/pasted.py, with objects of other seeds."""
    from actioncnn.data import motion
    from actioncnn.video.decode import read_frames
    from benchmarks.pasted import backgrounds

    name, channels = sorted(motion.CLASSES)[number % 8], 3 if sampling.color else 1
    path = backgrounds(source, 64)[number % 64]
    ground = read_frames(path, motion.WIDTH, motion.HEIGHT, motion.FRAMES, sampling.color)
    objects = motion.make_objects(np.random.default_rng([SEED, number]), channels)
    ground = ground.reshape(*ground.shape[:3], channels)
    frames = motion.paste(ground, name, np.random.default_rng([SEED, number, 2]), objects)
    places = truth(name, np.random.default_rng([SEED, number, 2]), motion.FRAMES, objects, drift=0)
    return fitted(frames, places, sampling, name)


def truth(name, rng, frames, objects, **how):
    from actioncnn.data import motion

    states, _ = motion.trajectory(name, rng, frames, **how)
    return motion.cover(objects, states, motion.make_layout(rng), motion.HEIGHT, motion.WIDTH)


def fitted(frames, opacity, sampling, name):
    from actioncnn.video.decode import evenly, time_behind

    size, chosen = (sampling.size,) * 2, evenly(len(frames), sampling.frames)
    frames, opacity = (
        np.stack([cv2.resize(each[i], size, interpolation=cv2.INTER_AREA) for i in chosen])
        for each in (frames, opacity)
    )
    return sampling.pick(time_behind(frames)), opacity if sampling.depth else opacity[-1:], name


def curves(model, clip, label, values, kind):
    """(deletion, insertion): areas under the probability of the class."""
    ranks = np.empty(values.size)
    ranks[np.argsort(-values.ravel(), kind="stable")] = np.arange(values.size) / values.size
    shares = np.linspace(0, 1, STEPS + 1)[:, None]
    for shown in (ranks >= shares, ranks < shares):
        heights = probabilities(model, clip, shown.reshape(-1, *values.shape).astype(np.float32), kind, label)
        yield (heights[:-1] + heights[1:]).mean() / 2


def on_objects(values, opacity):
    positive = np.maximum(values, 0)
    return (positive * (opacity > 0.5)).sum() / max(positive.sum(), 1e-12)


def spearman(a, b):
    """Rank correlation, equal values at the middle of their ranks; 0 where one map is flat."""
    ranks = [np.unique(each, return_inverse=True, return_counts=True)[1:] for each in (a.ravel(), b.ravel())]
    ranks = [(np.cumsum(count) - count / 2)[inverse] for inverse, count in ranks]
    return float(np.nan_to_num(np.corrcoef(*ranks)[0, 1])) if all(each.std() for each in ranks) else 0.0


def randomized(model):
    """The same network with the weights of each layer shuffled."""
    import keras

    other, rng = copy.copy(model), np.random.default_rng(0)
    other.network = keras.models.clone_model(model.network)
    other.network.compile(jit_compile=False)
    weights = model.network.get_weights()
    other.network.set_weights([rng.permutation(each.ravel()).reshape(each.shape) for each in weights])
    return other


def judged(function, model, shuffled, samples):
    """A row of the table, as numbers; samples: (clip, opacity, label)."""
    start = time.process_time()
    maps = [function(model, clip, label) for clip, _, label in samples]
    cost = 1000 * (time.process_time() - start) / len(samples)
    areas = [
        np.mean([list(curves(model, clip, label, each, kind)) for each, (clip, _, label) in zip(maps, samples)], 0)
        for kind in ("mean", "blurred")
    ]
    pairs = [(each, function(shuffled, clip, label)) for each, (clip, _, label) in zip(maps[:FEW], samples)]
    alike = [np.mean([spearman(change(a), change(b)) for a, b in pairs]) for change in (np.asarray, np.abs)]
    share = np.mean([on_objects(each, opacity) for each, (_, opacity, _) in zip(maps, samples)])
    return [share, *np.transpose(areas).ravel(), *alike, cost]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--run", type=Path, required=True, help="--output of a training run on the demo or pasted clips"
    )
    parser.add_argument("--clips", type=int, default=24, help="number of clips (default: 24)")
    parser.add_argument("--pasted", type=Path, help="real clips that the objects are pasted on")
    parser.add_argument("--methods", nargs="+", default=METHODS, metavar="NAME", help="of: " + ", ".join(METHODS))
    args = parser.parse_args()
    from actioncnn.model.model import open_model
    from actioncnn.runs.find import find_model

    model = open_model(find_model(args.run))
    make = pasted_clip if args.pasted else demo_clip
    samples = [make(model.sampling, number, args.pasted) for number in range(args.clips)]
    samples = [(clip, opacity, model.classes.index(name)) for clip, opacity, name in samples]
    right = [sample for sample in samples if model(sample[0][None])[0].argmax() == sample[2]]
    covered = np.mean([opacity > 0.5 for _, opacity, _ in right])
    print(f"{len(right)} of {len(samples)} clips, those that the network knows; the objects cover {covered:.2f}\n")
    print("| map | object | deletion | insertion | random | CPU ms |\n|---|---|---|---|---|---|", flush=True)
    shuffled = randomized(model)
    for name in args.methods:
        share, a, b, c, d, signed, size, cost = judged(METHODS[name], model, shuffled, right)
        areas = f"{a:.2f} / {b:.2f} | {c:.2f} / {d:.2f}"
        print(f"| {name} | {share:.2f} | {areas} | {signed:.2f} / {size:.2f} | {cost:.0f} |", flush=True)


if __name__ == "__main__":
    main()
