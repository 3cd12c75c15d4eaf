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
    add = parser.add_argument_group("model").add_argument
    add("--run", type=Path, help="--output of a training run: its model, classes and arguments are used")
    add("--model", "-m", type=Path, help="JSON of a model, or a .keras or full-model .h5 file")
    add("--weights", "-w", type=Path, help="HDF5 of its weights (default: that beside the JSON)")
    add("--classes", type=Path, help="class names, one a line (default: classes.txt beside the model)")
    reading.add_options(parser.add_argument_group("the model's input"))
    add = parser.add_argument_group("what is explained").add_argument
    add("--class", dest="name", help="what speaks for this class (default: that which each video is taken for)")
    add("--against", help="why not this class (default: any other)")
    add("--mistakes", type=cli.whole_number(1), help="so many of the most confident mistakes of --run")
    add = (group := parser.add_argument_group("does motion matter")).add_argument
    videos = "dataset whose test clips are shown to the network with their frames in other orders"
    add("--videos", type=Path, metavar="DATASET", help=videos)
    add_test_options(group)
    add("--cache", type=Path, help="directory of the cache of extracted frames (default: ~/.cache/actioncnn)")
    add = parser.add_argument_group("files").add_argument
    add("--output", type=Path, default=Path("explained"), help="directory for the results (default: explained)")
    add("--workers", type=cli.whole_number(1), help="processes that decode videos (default: one per core)")
    return checked(parser, parser.parse_args())


def checked(parser, args):
    if bool(args.run) == bool(args.model) or (args.run and args.weights):
        parser.error("give either --run DIRECTORY or --model FILE [--weights FILE]")
    if args.mistakes and not args.run:
        parser.error("--mistakes needs --run: predictions.csv tells which clips are mistakes")
    if not args.paths and not args.mistakes and not args.videos:
        parser.error("name a video, or give --mistakes N, or --videos DIRECTORY")
    for name in (*OF_TESTS, "cache"):
        if getattr(args, name) and not args.videos:
            parser.error(f"--{name.replace('_', '-')} needs --videos DATASET")
    reading.check_options(parser, args)
    return args


def main():
    args = parse()
    from actioncnn.explain import jobs
    from actioncnn.files import make_output
    from actioncnn.model.model import find_model
    from actioncnn.predict import pipeline
    from actioncnn.runs import tested

    asked = reading.Asked(args.range, args.axes, args.scrambled)
    model = jobs.Model(find_model(args.run, args.model, args.weights, args.classes, asked))
    make_output(args.output)
    rest, failures = (args.output, args.workers), 0
    if args.paths:
        failures += jobs.explain_videos(pipeline.expand(args.paths), model, (args.name, args.against), *rest)
    if args.mistakes:
        clips = tested.mistakes(tested.clips_of_run(args.run, args.videos), args.mistakes)
        failures += jobs.explain_mistakes(clips, model, *rest)
    if args.videos and not args.mistakes:
        chosen = tested.choose_videos(args.videos, given(args), model.files, model.loaded.classes)
        failures += jobs.compare_orders(chosen, model.loaded, args.output, args.cache, args.workers)
    cli.say(f"results: {args.output}")
    if failures:
        sys.exit(1)


if __name__ == "__main__":
    cli.run(main)
