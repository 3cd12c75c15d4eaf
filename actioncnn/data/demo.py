"""Make the demo dataset: small videos in which only motion tells the class, named as in UCF-101.

python -m actioncnn.data.demo demo        # 400 videos, 8 classes, 25 groups; about half a minute
python -m actioncnn.data.demo large --classes 101 --clips 5   # 12,625 videos: a set of the size of UCF-101

With more than 8 classes, each class is a motion and a shape of the moving things, such as MoveLeftArrow. A single frame
then tells the shape, and only motion tells which of its classes it is.
"""

import functools
import json
import os
import re
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from actioncnn import cli, files
from actioncnn.data import motion
from actioncnn.errors import UserError, one_line, printable
from actioncnn.video.decode import check_written

FPS = 25
PAIRS = {f"{move}{shape}": (move, shape) for shape in motion.SHAPES for move in motion.CLASSES}
OURS = re.compile(rf"v_({'|'.join([*motion.CLASSES, *PAIRS])})_g\d\d+_c\d\d+\.avi")
KEYS = {name: number for number, name in enumerate([*motion.CLASSES, *PAIRS], 1)}  # of the draws of a class
VERSION = 2  # of the drawing: raise it when videos of the same seed change


def write_video(path, frames):
    """Writes uint8 (frames, height, width, 1 or 3, RGB) as MJPG in AVI: each frame is compressed on its own."""
    height, width, channels = frames.shape[1:]
    kind = cv2.CAP_FFMPEG, cv2.VideoWriter_fourcc(*"MJPG"), FPS, (width, height)
    with files.replaced(path) as new:
        writer = cv2.VideoWriter(str(new), *kind, isColor=channels == 3)
        if not writer.isOpened():
            raise UserError(f"{path}: cannot be written (is the directory writable?)")
        for frame in frames:
            writer.write(np.ascontiguousarray(frame[..., ::-1]))
        writer.release()
        check_written(new, len(frames), path)


def prepare(directory, names, settings):
    """Make the directory and its manifest; delete videos that it lists and that are of other settings or not wanted."""
    manifest, former = directory / "motion.json", {}
    if os.path.lexists(manifest):
        former = read_manifest(manifest)
        same = {key: former.get(key) for key in settings} == settings
        for name in former["videos"]:
            if not same or name not in names:
                (directory / name).unlink(missing_ok=True)
    elif directory.exists() and any(not path.name.startswith(".") for path in directory.iterdir()):
        raise UserError(f"{directory}: is not empty and holds no motion.json: give another directory")
    for name in sorted(names - set(former.get("videos", ()))):
        if (directory / name).exists():
            raise UserError(f"{directory / name}: is not one of the demo's own: give another directory")
    directory.mkdir(parents=True, exist_ok=True)
    files.write(manifest, json.dumps(settings | {"videos": sorted(names)}) + "\n")


def read_manifest(path):
    """The settings of a demo's videos, and their names, of earlier versions all that the directory has of the kind."""
    try:
        content = json.loads(files.read(path))
        videos = content.get("videos", [each.name for each in path.parent.glob("v_*.avi")])
        return content | {"videos": [name for name in videos if OURS.fullmatch(name)]}  # only these may be deleted
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(f"{path}: is damaged ({one_line(error)}): give another directory") from None


@functools.lru_cache(maxsize=len(motion.SHAPES))
def group_scene(seed, group, channels, shape):
    return motion.make_scene(np.random.default_rng([seed, group]), channels, shape)


def class_names(count):
    """`count` classes: the 8 motions, or pairs of a motion and a shape."""
    if count == len(motion.CLASSES):
        return list(motion.CLASSES)
    if not len(motion.CLASSES) < count <= len(PAIRS):
        raise UserError(f"--classes {count}: give {len(motion.CLASSES)} to {len(PAIRS)}")
    return list(PAIRS)[:count]


def make_demo(directory, groups=25, clips=2, seed=0, color=False, classes=8):
    """Write the missing ones of classes x groups x clips videos v_<Class>_gNN_cNN.avi; returns the paths, sorted.

    A video depends on seed, color and its name alone: more groups or clips leave the others as they are. Videos of
    another seed or color in the directory are replaced. UserError: the directory holds files that are not ours.
    """
    directory, channels = Path(directory), 3 if color else 1
    names = class_names(classes)
    keys = [(group, name, clip) for group in range(1, groups + 1) for name in names for clip in range(1, clips + 1)]
    paths = {key: directory / f"v_{key[1]}_g{key[0]:02d}_c{key[2]:02d}.avi" for key in keys}
    settings = {"version": VERSION, "seed": seed, "color": bool(color)}
    prepare(directory, {path.name for path in paths.values()}, settings)
    missing = [key for key in keys if not paths[key].exists()]
    for group, name, clip in tqdm(missing, desc=printable(directory), unit="video", disable=not missing):
        move, shape = PAIRS.get(name, (name, None))
        scene = group_scene(seed, group, channels, shape)
        rng = np.random.default_rng([seed, group, KEYS[name], clip])
        write_video(paths[group, name, clip], motion.render_clip(scene, move, rng))
    return sorted(paths.values())


def main():
    parser = cli.parser(__doc__)
    parser.add_argument("directory", type=Path, help="directory for the videos; made if missing")
    kinds = f"number of classes, at most {len(PAIRS)}; with more than 8 each is a motion and a shape (default: 8)"
    parser.add_argument("--classes", type=cli.whole_number(len(motion.CLASSES)), default=8, help=kinds)
    parser.add_argument("--groups", type=cli.whole_number(1), default=25, help="number of groups (default: 25)")
    parser.add_argument(
        "--clips", type=cli.whole_number(1), default=2, help="clips of each class and group (default: 2)"
    )
    parser.add_argument("--seed", type=cli.whole_number(0), default=0, help="seed of every random choice (default: 0)")
    parser.add_argument("--color", default=False, help="videos in colour (default: False)", **cli.SWITCH)
    args = parser.parse_args()
    make_demo(args.directory, args.groups, args.clips, args.seed, args.color, args.classes)


if __name__ == "__main__":
    cli.run(main)
