"""Make the input that one unit of a trained network responds to most: what the unit looks for.

python visualize_input.py -m result/ucf101_3dcnnmodel.json -w result/ucf101_3dcnnmodel.hd5 -n dense_2 -i 0 --iter 100
"""

import sys
from pathlib import Path

from actioncnn import cli
from actioncnn.data.options import NONE, add_test_options, given
from actioncnn.errors import printable
from actioncnn.files import make_output
from actioncnn.model import find, reading


def parse():
    parser = cli.parser(__doc__)
    main = parser.add_argument_group("options of 2017")
    main.add_argument("--model", "-m", type=Path, required=True, help="saved JSON, a .keras file or --output of a run")
    main.add_argument("--weights", "-w", type=Path, help="saved HDF5 of its weights; none for a .keras file")
    main.add_argument(
        "--layernames",
        "-l",
        default=False,
        help="show the layers with their shapes and units, and stop (default: False)",
        **cli.SWITCH,
    )
    main.add_argument("--name", "-n", help="layer to maximize; branch/layer in a nested model")
    main.add_argument("--index", "-i", help="unit or channel: 3, or several at once: 0,4,7 or 0-9 or all")
    main.add_argument("--iter", type=cli.whole_number(1), default=20, help="number of iterations (default: 20)")
    _ascent_options(parser.add_argument_group("ascent"))
    reading.add_options(parser.add_argument_group("the model's input"))
    files = parser.add_argument_group("files")
    files.add_argument(
        "--output", type=Path, default=Path(), help="directory for the results (default: the current one)"
    )
    files.add_argument("--classes", type=Path, help="class names, one a line (default: classes.txt beside the model)")
    real = parser.add_argument_group("real clips")
    real.add_argument(
        "--videos", type=Path, metavar="DATASET", help="show the clip in it that the unit responds to most"
    )
    add_test_options(real)
    args = parser.parse_args()
    args.model, args.weights = find.files_of(args.model, args.weights)
    if not args.layernames and (args.name is None or args.index is None):
        parser.error("--name and --index are required, or --layernames True to see what there is")
    if args.weights is None and args.model.suffix == ".json" and not args.layernames:
        parser.error("--weights is required with a JSON model")
    reading.check_options(parser, args)
    return args


def _ascent_options(group):
    group.add_argument(
        "--objective", choices=["auto", "margin", "logit", "mean"], default="auto",
        help="margin: of a class over the others; logit: before the activation function; mean: mean output, as in "
        "2017; auto: margin for a class, else mean (default: auto)",
    )  # fmt: skip
    group.add_argument("--tv", type=cli.not_negative, default=1, help="smoothness in space, 0: none (default: 1)")
    group.add_argument("--tv-time", type=cli.not_negative, default=3, help="in time, 0: fast motion (default: 3)")
    group.add_argument(
        "--contrast", type=cli.positive, default=0.7, help="at most; natural clips have .5 (default: 0.7)"
    )
    group.add_argument(
        "--jitter", type=cli.whole_number(0), default=3, help="shift of each step, pixels at most (default: 3)"
    )
    group.add_argument("--restarts", type=cli.whole_number(1), default=1, help="ascents, the best is kept (default: 1)")
    group.add_argument("--seed", type=cli.whole_number(0), default=0, help="of every random choice (default: 0)")
    group.add_argument("--classic", default=False, help="the procedure of 2017 instead (default: False)", **cli.SWITCH)


def main():
    args = parse()
    from actioncnn import device

    device.setup("float32")
    from actioncnn.model import layers
    from actioncnn.model.loading import load_model, outlined

    if args.layernames:
        cli.say(*outlined(args.model, layers.layer_table))
        return
    model = load_model(args.model, args.weights)
    try:
        path, layer = layers.find_layer(model, args.name)
        chosen = layers.parse_units(args.index, layers.unit_count(model, layer))
        names = [file.name for file in (args.model, args.weights) if file]
        with reading.naming(args.model):
            takes = reading.read(model, names, reading.Asked(args.range, args.axes, args.scrambled))
        if line := reading.note(args.model, takes.assumed):
            cli.warn(f"note: {line}")
        show(args, model, takes, path, layer, chosen)
    except layers.NoSuchUnitError as error:
        cli.warn(*error.args)
        sys.exit(2)


def show(args, model, takes, path, layer, chosen):
    """Maximizes the units `chosen` of a layer, tells what was reached and writes it."""
    from tqdm import tqdm

    from actioncnn.model import layers
    from actioncnn.model.loading import told_classes
    from actioncnn.runs.classes import class_names
    from actioncnn.runs.tested import choose_videos
    from actioncnn.visualize import output
    from actioncnn.visualize.maximize import maximize
    from actioncnn.visualize.real import best_real
    from actioncnn.visualize.result import Settings

    same = ("objective", "tv", "tv_time", "contrast", "jitter", "restarts", "seed", "classic")
    settings = Settings(iterations=args.iter, **{name: getattr(args, name) for name in same})
    make_output(args.output)
    bar = lambda steps: tqdm(steps, desc=printable(path), unit="step", mininterval=0.5, leave=False)  # noqa: E731
    results = maximize(model, takes, layer, chosen, settings, bar)
    of_class = results[0].probability is not None
    told, count = told_classes(args.weights), layers.unit_count(model, layer)
    names = class_names(args.model, count, args.classes, told) if of_class else None
    real = [None] * len(results)
    if args.videos:
        files = find.find(None, args.model, args.weights)
        videos = choose_videos(args.videos, {"split": NONE} | given(args), files, names).videos
        real = best_real(model, takes, layer, chosen, videos)
    output.tell(results, real, path, names)
    options = vars(args) | takes.as_dict()
    cli.say(f"results: {output.write_results(args.output, path, args.index, results, real, names, options)}*")


if __name__ == "__main__":
    cli.run(main)
