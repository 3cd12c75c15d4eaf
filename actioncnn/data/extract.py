"""Read the clips of a dataset into the cache, all of them or one of several parts, as a training reads them.

python -m actioncnn.data.extract UCF-101/ --shard 1/4 --cache /shared/cache

Several machines with one --cache read a part each; the training that follows takes over what they have read.
"""

from pathlib import Path

from actioncnn import cli
from actioncnn.data.options import DatasetOptions, add_test_options, given
from actioncnn.video.sampling import Sampling


def parse():
    parser = cli.parser(__doc__)
    add = parser.add_argument
    add("videos", type=Path, help="directory of the dataset")
    add("--shard", type=cli.shard, default=(1, 1), help="i/n: only the i-th of n parts (default: 1/1)")
    add("--depth", type=cli.whole_number(1), default=10, help="number of frames (default: 10)")
    add("--size", type=cli.whole_number(1), default=32, help="width and height in pixels (default: 32)")
    add("--skip", default=True, help="frames at even intervals; False: the first ones (default: True)", **cli.SWITCH)
    add("--color", default=False, help="RGB frames instead of grayscale (default: False)", **cli.SWITCH)
    classes = "names A,B or a file with a name in each line (default: the first --nclass)"
    add_test_options(parser, "that of the training scripts", classes)
    add("--cache", type=Path, help="directory of the cache (default: ~/.cache/actioncnn)")
    add("--workers", type=cli.whole_number(1), help="processes that read videos (default: one per core)")
    return parser.parse_args()


def main():
    args = parse()
    from actioncnn.data import cache
    from actioncnn.data.dataset import understand

    dataset = understand(DatasetOptions(videos=args.videos, classes=args.classes, **given(args)))
    sampling, (number, count) = Sampling(args.size, args.depth, args.color, args.skip), args.shard
    had, failures = cache.extract_shard(dataset.videos, sampling, args.shard, args.cache, args.workers)
    for row, reason in failures.items():
        cli.warn(f"no clip: {dataset.videos[row].path}: {reason}")
    clips = len(range(number - 1, len(dataset.videos), count))
    part = f"shard {number} of {count}: {clips} clips in the cache, {had} of them before"
    cli.say(f"{part}; {len(failures)} videos gave none")


if __name__ == "__main__":
    cli.run(main)
