"""Show why a saved model decides as it does: where it looks, what speaks for a class, and whether motion matters.

python explain.py --run 3dcnnresult/ video.mp4 more_videos/
python explain.py --run 3dcnnresult/ --class YoYo --against Punch video.mp4
python explain.py --run 3dcnnresult/ --mistakes 12
python explain.py --run 3dcnnresult/ --videos UCF-101/
"""

import sys
from pathlib import Path

from actioncnn import cli
from actioncnn.data.options import OF_TESTS, add_test_options, given
from actioncnn.model import reading


def parse():
    parser = cli.parser(__doc__)
    parser.add_argument("paths", nargs="*", metavar="VIDEO", help="file, directory (with those below), or pattern")
    reading.add_model_options(parser)
    add = parser.add_argument_group("what is explained").add_argument
    name = "what speaks for this class (default: that which each video is taken for); of --mistakes those of this class"
    add("--class", dest="name", help=name)
    add("--against", help="why not this class (default: any other); of --mistakes those taken for this class")
    add("--mistakes", metavar="N", type=cli.whole_number(1), help="the N most confident mistakes of --run")
    add = (group := parser.add_argument_group("does motion matter")).add_argument
    videos = "dataset whose test clips are shown to the network with their frames in other orders"
    add("--videos", type=Path, metavar="DATASET", help=videos)
    add_test_options(group)
    add("--cache", type=Path, help="directory of the cache of frames (default: the run's, else ~/.cache/actioncnn)")
    add = parser.add_argument_group("files").add_argument
    add("--output", type=Path, default=Path("explained"), help="directory for the results (default: explained)")
    add("--workers", type=cli.whole_number(1), help="processes that decode videos (default: one per core)")
    return checked(parser, parser.parse_args())


def checked(parser, args):
    if args.mistakes and not args.run:
        parser.error("--mistakes needs --run: predictions.csv tells which clips are mistakes")
    if not args.paths and not args.mistakes and not args.videos:
        parser.error("name a video, or give --mistakes N, or --videos DIRECTORY")
    if (args.name or args.against) and not args.paths and not args.mistakes:
        parser.error("--class and --against go with videos or --mistakes; the order of frames is told of all classes")
    if args.name and args.against and args.name.casefold() == args.against.casefold():
        parser.error(f"--class {args.name} --against {args.against}: give two classes, or leave out --against")
    for name in (*OF_TESTS, "cache"):
        if getattr(args, name) and not args.videos:
            parser.error(f"--{name.replace('_', '-')} needs --videos DATASET")
        if getattr(args, name) and args.mistakes:
            parser.error(f"--{name.replace('_', '-')} does not go with --mistakes, which are those of the run's test")
    reading.check_options(parser, args)
    return args


def main():
    args = parse()
    from actioncnn.data.index import expand
    from actioncnn.explain import jobs
    from actioncnn.files import make_output
    from actioncnn.runs import tested
    from actioncnn.runs.find import find_model
    from actioncnn.runs.outputs import check_outputs, files_of, files_of_dataset
    from actioncnn.video.segment import source

    files = find_model(args.run, args.model, args.weights, args.classes, reading.asked_of(args))
    late, names = jobs.LateModel(files), (args.name, args.against)
    if files.known_names:  # before videos are read
        jobs.labels_of(names, files.known_names)
    videos = expand(args.paths) if args.paths else []
    outputs = [("--output", path) for path in jobs.written(videos, args.output)]
    check_outputs(outputs, [*map(source, videos), *files_of(files, args.classes)])
    make_output(args.output)
    rest, failures = (args.output, args.workers), 0
    if args.paths:
        failures += jobs.explain_videos(videos, late, names, *rest)
    if args.mistakes:
        clips = tested.clips_of_run(args.run, args.videos)
        check_outputs(outputs, [source(clip.path) for clip in clips])
        failures += jobs.explain_mistakes(clips, args.mistakes, late, names, *rest)
    if args.videos and not args.mistakes:
        chosen = tested.choose_videos(args.videos, given(args), files, late.loaded.classes)
        check_outputs(outputs, files_of_dataset(chosen.dataset))
        failures += jobs.compare_orders(chosen, late.loaded, args.output, args.cache, args.workers)
    cli.say(f"results: {args.output}")
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
