"""Read the clips of a dataset into the cache, all of them or one of several parts, as a training reads them.

python -m actioncnn.data.extract UCF-101/ --shard 1/4 --cache /shared/cache
python -m actioncnn.data.extract --cache-info

Several machines with one --cache read a part each; the training that follows takes over what they have read.
--cache-info says what the cache holds, and drops the clips of videos that are gone.
"""

from pathlib import Path

from actioncnn import cli, files
from actioncnn.data.options import DatasetOptions, add_test_options, given
from actioncnn.video.sampling import Sampling


def parse():
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("videos", type=Path, nargs="?", help="directory of the dataset")
    add("--cache-info", action="store_true", help="say what the cache holds, and drop clips of videos that are gone")
    add("--shard", type=cli.shard, default=(1, 1), help="i/n: only the i-th of n parts (default: 1/1)")
    add("--depth", type=cli.whole_number(1), default=10, help="number of frames (default: 10)")
    add("--size", type=cli.whole_number(1), default=32, help="width and height in pixels (default: 32)")
    add("--skip", default=True, help="frames at even intervals; False: the first ones (default: True)", **cli.SWITCH)
    add("--color", default=False, help="RGB frames instead of grayscale (default: False)", **cli.SWITCH)
    between = "also a frame between each two: 3dcnn-my-model.py draws from both, other scripts use half (default: True)"
    add("--between", default=True, help=between, **cli.SWITCH)
    classes = "names A,B or a file with a name in each line (default: the first --nclass)"
    add_test_options(parser, "that of the training scripts", classes)
    add("--cache", type=Path, help="directory of the cache (default: ~/.cache/actioncnn)")
    add("--workers", type=cli.whole_number(1), help="processes that read videos (default: one per core)")
    args = parser.parse_args()
    if bool(args.videos) == args.cache_info:
        parser.error("give either the directory of a dataset or --cache-info")
    return args


def main():
    args = parse()
    from actioncnn.data import store
    from actioncnn.data.dataset import understand

    if args.cache_info:
        return show(args.cache or store.default_cache())
    dataset = understand(DatasetOptions(videos=args.videos, classes=args.classes, **given(args)))
    sampling, (number, count) = Sampling(args.size, args.depth, args.color, args.skip), args.shard
    had, failures = store.extract_shard(dataset.videos, sampling, args.shard, args.cache, args.workers, args.between)
    for row, reason in failures.items():
        cli.warn(f"no clip: {dataset.videos[row].path}: {reason}")
    clips = len(range(number - 1, len(dataset.videos), count))
    part = f"shard {number} of {count}: {clips} clips in the cache, {had} of them before"
    cli.say(f"{part}; {len(failures)} videos gave none")


def show(folder):
    """Prints what each store in the folder holds, after clips of videos that are gone were dropped."""
    from actioncnn.data import store

    uses = store.tidy(folder)
    total = files.size(sum(use.size for use in uses))
    cli.say(f"{folder}: {total} of clips, {cli.count(sum(use.videos for use in uses), 'video')}")
    for use in uses:
        height, width, depth, channels = use.shape
        clip = f"{cli.count(depth, 'frame')} of {width} x {height} pixels, {'RGB' if channels == 3 else 'gray'}"
        dropped = f"; dropped: {cli.count(use.dropped, 'clip')} without a video" if use.dropped else ""
        cli.say(f"{use.name}: {clip}; {cli.count(use.videos, 'video')}, {files.size(use.size)}{dropped}")


if __name__ == "__main__":
    cli.run(main)
