"""Draw examples of the classes of a dataset, and say how its folders and names are understood.

python display.py                                          5 x 3 examples from UCF101 -> display.png
python display.py --classes all --output classes.png       every class on one page
python display.py --classes YoYo,Punch --frames 8          filmstrips, so that motion shows
python display.py --output display.gif                     an animation
"""

from pathlib import Path

from actioncnn import cli
from actioncnn.data.options import NONE, add_test_options, class_names, given
from actioncnn.errors import UserError

ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".gif")
ROWS = 5  # of examples, as in 2017
COLS = 3
ANIMATION = 12  # frames


def classes(text):
    """all -> None, a number -> int, names or a file of names -> tuple, as the training scripts take them"""
    if text.lower() == "all":
        return None
    return cli.whole_number(1)(text) if text.isdecimal() else class_names(text)


def image(text):
    path = Path(text)
    if path.suffix.lower() not in ENDINGS:
        raise cli.argparse.ArgumentTypeError(f"{text!r} does not end in one of {', '.join(ENDINGS)}")
    return path


def parse():
    parser = cli.parser(__doc__)
    add, number = parser.add_argument, cli.whole_number(1)
    add("--videos", type=Path, default=Path("UCF101"), help="directory where the dataset is stored (default: UCF101)")
    add("--output", type=image, default=Path("display.png"), help=".png, .jpg, .webp or .gif (default: display.png)")
    add("--rows", type=number, help=f"rows of examples (default: {ROWS}, or as --classes needs)")
    add("--cols", type=number, help=f"columns of examples (default: {COLS}, or as --classes needs)")
    add(
        "--classes",
        type=classes,
        default=0,
        metavar="all|N|A,B|FILE",
        help="all, a number to draw, names, or a file with a name in each line (default: as many as have room)",
    )
    add("--seed", type=cli.whole_number(0), default=0, help="of the choice of classes and videos (default: 0)")
    add("--color", default=True, help="RGB frames instead of grayscale (default: True)", **cli.SWITCH)
    add_test_options(parser, "as the directory tells")
    add("--frames", type=number, help=f"frames of each video, side by side (default: 1), or of a .gif ({ANIMATION})")
    return parser.parse_args()


def main():
    args = parse()
    from actioncnn import files
    from actioncnn.figures import preview
    from actioncnn.runs import tested
    from actioncnn.runs.outputs import check_outputs, files_of_dataset

    animated = args.output.suffix.lower() == ".gif"
    frames = args.frames or (ANIMATION if animated else 1)
    wide = 1 if animated else frames  # frames side by side
    wanted, rows, cols = args.classes, args.rows, args.cols
    if wanted == 0:
        wanted = (rows or ROWS) * (cols or COLS)
        cols = cols or (COLS if wide == 1 else None)
    found = tested.choose_videos(args.videos, {"split": NONE} | given(args))
    check_outputs([("--output", args.output)], files_of_dataset(found.dataset))
    videos = found.videos
    chosen = preview.choose_videos(videos, wanted, args.seed)
    if rows and cols and rows * cols < len(chosen):
        raise UserError(f"--rows {rows} --cols {cols}: no room for {len(chosen)} classes; leave one of them out")
    cols = preview.grid(len(chosen), wide, rows, cols)[1]
    high = preview.height(cols, wide, preview.ANIMATED if animated else preview.PAGE)
    examples = with_frames(preview.read_examples(chosen, high, frames))
    if not examples:
        raise UserError(f"--videos: no video in {args.videos} gives a frame")
    pages = preview.page(examples, cols, animated)
    if not args.color:
        pages[:] = pages.mean(-1, keepdims=True)
    files.write(args.output, preview.encode(pages, args.output.suffix.lower()), named=True)
    cli.say(f"{args.output}: {cli.count(len(examples), 'class')} of {args.videos}")


def with_frames(examples):
    """The examples that can be shown; what cannot is told."""
    for name, frames, failures, remarks in examples:
        for path, reason in failures:
            cli.warn(f"passed over: {path}: {reason}")
        for path, text in remarks:
            cli.warn(f"note: {path}: {text}")
        if frames is None:
            cli.warn(f"no video of class {name} gives a frame")
    return [example for example in examples if example.frames is not None]


if __name__ == "__main__":
    cli.run(main)
