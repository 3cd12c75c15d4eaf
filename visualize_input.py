"""Make the input that one unit of a trained network responds to most: what the unit looks for.

python visualize_input.py -m result/ -l True
python visualize_input.py -m result/ucf101_3dcnnmodel.json -w result/ucf101_3dcnnmodel.hd5 -n dense_2 -i 0 --iter 100

The first command lists the layers of a model and stops; the second makes the clip of class 0.
"""

import sys
from pathlib import Path

from actioncnn import cli
from actioncnn.data.options import NONE, add_test_options, given
from actioncnn.errors import UserError, printable
from actioncnn.files import make_output
from actioncnn.model import reading


def parse():
    parser = cli.parser(__doc__)
    main = parser.add_argument_group("main options")
    main.add_argument(
        "--model", "-m", type=Path, required=True, help="required: saved JSON, .keras file, or --output of a run"
    )
    main.add_argument("--weights", "-w", type=Path, help="HDF5 file of its weights (default: the one beside it)")
    main.add_argument(
        "--layernames",
        "-l",
        default=False,
        help="list the layers with their shapes and units, and stop (default: False)",
        **cli.SWITCH,
    )
    main.add_argument("--name", "-n", help="name of the layer; branch/layer in a nested model")
    main.add_argument("--index", "-i", help="unit or channel: 3, or several: 0,4,7 or 0-9 or all")
    main.add_argument(
        "--iter", type=cli.whole_number(1), default=20, help="number of steps of the ascent (default: 20)"
    )
    _ascent_options(parser.add_argument_group("ascent"))
    reading.add_options(parser.add_argument_group("the model's input and output"))
    files = parser.add_argument_group("files")
    files.add_argument(
        "--output", type=Path, default=Path(), help="directory for the results (default: the current one)"
    )
    files.add_argument("--classes", type=Path, help="class names, one a line (default: classes.txt beside the model)")
    real = parser.add_argument_group("real clips")
    real.add_argument(
        "--videos", type=Path, metavar="DATASET", help="also show the clip of this dataset with the highest activation"
    )
    add_test_options(real)
    args = parser.parse_args()
    if not args.layernames and (args.name is None or args.index is None):
        parser.error("--name and --index are required, or --layernames True to see what there is")
    reading.check_options(parser, args)
    return args


def _ascent_options(group):
    group.add_argument(
        "--objective", choices=["auto", "margin", "logit", "mean"], default="auto",
        help="what is raised; margin: a class over the others; logit: the value before the activation function; mean: "
        "the mean output, as in 2017; auto: margin for a class, else mean (default: auto)",
    )  # fmt: skip
    group.add_argument(
        "--tv", type=cli.not_negative, default=1, help="smoothness in space; 0: fine texture (default: 1)"
    )
    group.add_argument(
        "--tv-time", type=cli.not_negative, default=3, help="smoothness in time; 0: fast motion (default: 3)"
    )
    group.add_argument(
        "--contrast", type=cli.positive, default=0.7, help="largest contrast; natural clips have .5 (default: 0.7)"
    )
    group.add_argument(
        "--jitter",
        type=cli.whole_number(0),
        default=3,
        help="largest random shift in each step, in pixels (default: 3)",
    )
    group.add_argument(
        "--restarts", type=cli.whole_number(1), default=1, help="number of ascents; the best is kept (default: 1)"
    )
    group.add_argument("--seed", type=cli.whole_number(0), default=0, help="seed of every random choice (default: 0)")
    group.add_argument(
        "--classic", default=False, help="use the procedure of 2017 instead (default: False)", **cli.SWITCH
    )


def main():
    args = parse()
    from actioncnn.model.model import list_layers, open_model
    from actioncnn.runs.find import find_model

    files = find_model(None, args.model, args.weights, args.classes, reading.asked_of(args))
    args.model, args.weights = files.model, files.weights
    if args.layernames:
        cli.say(*list_layers(args.model))
        return
    model = open_model(files, classifies=False)
    from actioncnn.model.layers import NoSuchUnitError, parse_units  # imports Keras, which open_model starts quietly

    try:
        path, layer = model.find_layer(args.name)
        chosen = parse_units(args.index, model.count_units(layer))
        model.tell_reading()
        show(args, model, path, layer, chosen)
    except NoSuchUnitError as error:
        cli.warn(*error.args)
        sys.exit(2)


def show(args, model, path, layer, chosen):
    """Maximizes the units `chosen` of a layer, tells what was reached and writes it."""
    from tqdm import tqdm

    from actioncnn.runs.outputs import check_outputs, files_of, files_of_dataset
    from actioncnn.runs.tested import choose_videos
    from actioncnn.visualize import output
    from actioncnn.visualize.maximize import maximize_units
    from actioncnn.visualize.real import best_real
    from actioncnn.visualize.result import Settings

    if args.videos and not model.sampling:
        raise UserError(f"--videos: {args.model} is no classifier of gray or RGB frames; leave it out")
    same = ("objective", "tv", "tv_time", "contrast", "jitter", "restarts", "seed", "classic")
    settings = Settings(iterations=args.iter, **{name: getattr(args, name) for name in same})
    names, inputs, videos = model.names_of(layer), files_of(model.files, args.classes), []
    if args.videos:
        of_dataset = choose_videos(args.videos, {"split": NONE} | given(args), model.files, names)
        videos = of_dataset.videos
        inputs = [*inputs, *files_of_dataset(of_dataset.dataset)]
    paths = output.written(args.output, path, args.index, chosen, model.reading.shape)
    check_outputs([("--output", each) for each in paths], inputs)
    make_output(args.output)
    bar = lambda steps: tqdm(steps, desc=printable(path), unit="step", mininterval=0.5, leave=False)  # noqa: E731
    results = maximize_units(model, layer, chosen, settings, bar)
    real = best_real(model, layer, chosen, videos) if videos else [None] * len(results)
    output.tell(results, real, path, names)
    options = vars(args) | model.reading.as_dict()
    cli.say(f"results: {output.write_results(args.output, path, args.index, results, real, names, options)}*")


if __name__ == "__main__":
    cli.run(main)
