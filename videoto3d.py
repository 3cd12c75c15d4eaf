"""Frames of a video as an array, and the class name in a UCF-101 file name; a dataset's clips, read by many machines.

    python videoto3d.py v_YoYo_g01_c01.avi --depth 10 --output frames/
    python videoto3d.py UCF-101/ --shard 1/4 --cache /shared/cache/

In code: Videoto3D(32, 32, 10).video3d("v_YoYo_g01_c01.avi") -> uint8 (10, 32, 32)
"""

import sys
from pathlib import Path

from actioncnn import cli, files
from actioncnn.errors import NoFrameError
from actioncnn.video.sampling import Sampling


class Videoto3D:
    """Reads `depth` frames of a video, each resized to `width` x `height` pixels: the interface of 2017."""

    def __init__(self, width, height, depth):
        self.width, self.height, self.depth = width, height, depth

    def video3d(self, filename, color=False, skip=True):
        """Frames of a video, as actioncnn.video.decode.read_frames gives them."""
        from actioncnn.video.decode import read_frames

        return read_frames(filename, self.width, self.height, self.depth, color, skip)

    def get_UCF_classname(self, filename):
        """The class in a name like v_<Class>_gNN_cNN.avi; for other names, that of the folder that holds the file."""
        from actioncnn.data.index import class_and_group

        return class_and_group(filename)[0]


def parse():
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add(
        "video",
        help="video file, folder of pictures, or directory of a dataset whose clips are read into the cache",
    )
    add("--depth", type=cli.whole_number(1), default=10, help="number of frames (default: 10)")
    add("--size", type=cli.whole_number(1), default=32, help="width and height in pixels (default: 32)")
    add("--first", action="store_true", help="the first frames, not evenly spaced ones")
    add("--output", type=Path, help="directory for the frames as PNG files; without it nothing is written")
    add = parser.add_argument_group("of a directory, as a training with the same options reads it").add_argument
    add("--shard", type=cli.shard, default=(1, 1), help="i/n: only the i-th of n parts (default: 1/1)")
    add("--color", **cli.SWITCH, default=False, help="RGB frames instead of grayscale (default: False)")
    add("--nclass", type=cli.whole_number(2), default=101, help="number of classes (default: 101)")
    add("--train-list", type=Path, help="list of the training videos, as the training scripts take it")
    add("--test-list", type=Path, help="list of the test videos")
    add("--class-level", type=cli.whole_number(1), help="number of the folder that is the class, from 1")
    add("--split", default="1", help="which of several lists (default: 1)")
    add("--cache", type=Path, help="directory of the cache (default: ~/.cache/actioncnn)")
    add("--workers", type=cli.whole_number(1), help="processes that read videos (default: one per core)")
    return parser.parse_args()


def frames_of_video(args):
    from actioncnn.video import frame_folder

    reader = Videoto3D(args.size, args.size, args.depth)
    try:
        frames = reader.video3d(args.video, color=True, skip=not args.first)
    except NoFrameError as error:
        sys.exit(f"{cli.program()}: {args.video}: {error}")
    sampling = Sampling(args.size, args.depth, color=True, skip=not args.first)
    for text in frame_folder.remarks(args.video, sampling.places):
        cli.warn(f"note: {args.video}: {text}")
    cli.say(f"class {reader.get_UCF_classname(args.video)}, frames {frames.shape}")
    if args.output:
        from actioncnn.figures.strips import image

        files.make_output(args.output)
        for index, frame in enumerate(frames):
            files.write(args.output / f"{Path(args.video).absolute().stem}_{index:03d}.png", image(frame))


def clips_of_dataset(args):
    from actioncnn.data.dataset import extract_shard

    sampling = Sampling(args.size, args.depth, args.color, not args.first)
    layout = {name: getattr(args, name) for name in ("class_level", "train_list", "test_list", "split")}
    how = args.shard, args.cache, args.workers
    count, had, failures = extract_shard(args.video, args.nclass, sampling, *how, **layout)
    for path, reason in failures.items():
        cli.warn(f"no clip: {path}: {reason}")
    part = f"shard {args.shard[0]} of {args.shard[1]}"
    cli.say(f"{part}: {count} clips in the cache, {had} of them before; {len(failures)} videos gave none")


def main():
    args = parse()
    from actioncnn.data.index import is_clip

    dataset = Path(args.video).is_dir() and not is_clip(args.video)
    (clips_of_dataset if dataset else frames_of_video)(args)


if __name__ == "__main__":
    cli.run(main)
