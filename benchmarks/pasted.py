"""A dataset between the demo and UCF-101: the demo's moving objects pasted onto real clips.

    python benchmarks/pasted.py UCF-101/ pasted

As in UCF-101 a group belongs to one class and its clips share a place: here one real clip, and one set of objects. Only
the objects' motion tells the class, but the place tells the group, and so the class of every clip whose group was seen
in training. 8 classes, 8 groups each, 5 clips a group; a background comes from a group of the real dataset of its own.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

GROUPS = 8  # of a class
CLIPS = 5  # of a group


def backgrounds(directory, count):
    """Paths of `count` clips, each of another group of the dataset; the same ones each time."""
    from actioncnn.data import index
    from actioncnn.errors import UserError

    groups = {(video.name, video.group): video.path for video in index.scan(directory)}
    if len(groups) < count:
        raise UserError(f"{directory}: has {len(groups)} groups, {count} are needed: give more of UCF-101")
    keys = sorted(groups, key=str)
    return [groups[keys[i]] for i in np.random.default_rng(0).permutation(len(keys))[:count]]


def make(source, directory, groups=GROUPS, clips=CLIPS):
    """Writes the missing ones of 8 x groups x clips videos v_<Class>_gNN_cNN.avi to a directory."""
    from actioncnn.data import demo, motion
    from actioncnn.video.decode import read_frames

    directory.mkdir(parents=True, exist_ok=True)
    keys = [(group, name) for group in range(1, groups + 1) for name in motion.CLASSES]
    for number, ((group, name), source_path) in enumerate(
        tqdm(list(zip(keys, backgrounds(source, len(keys)), strict=True)), desc=str(directory), unit="group")
    ):
        paths = [directory / f"v_{name}_g{group:02d}_c{clip:02d}.avi" for clip in range(1, clips + 1)]
        if all(path.exists() for path in paths):
            continue
        background = read_frames(source_path, motion.WIDTH, motion.HEIGHT, motion.FRAMES)[..., None]
        objects = motion.make_objects(np.random.default_rng([1, number]), 1)
        for clip, path in enumerate(paths):
            rng = np.random.default_rng([2, number, clip])
            demo.write_video(path, motion.paste(background, name, rng, objects))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="real clips, named as in UCF-101")
    parser.add_argument("directory", type=Path, help="directory for the videos; made if missing")
    args = parser.parse_args()
    make(args.source, args.directory)
