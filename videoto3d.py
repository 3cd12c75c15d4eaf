"""Read the frames of a video as an array, and the class name in the name of a UCF-101 file.

python videoto3d.py v_YoYo_g01_c01.avi
python videoto3d.py v_YoYo_g01_c01.avi --depth 10 --output frames/

In code, Videoto3D(32, 32, 10).video3d("v_YoYo_g01_c01.avi") returns uint8 frames of the shape (10, 32, 32).
"""

import sys
from pathlib import Path

from actioncnn import cli, files
from actioncnn.errors import NoFrameError, UserError, printable
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
    add("video", help="video file, or folder of pictures")
    add("--depth", type=cli.whole_number(1), default=10, help="number of frames (default: 10)")
    add("--size", type=cli.whole_number(1), default=32, help="width and height in pixels (default: 32)")
    add("--first", action="store_true", help="the first frames, not evenly spaced ones")
    add("--output", type=Path, help="directory for the frames as PNG files; without it nothing is written")
    return parser.parse_args()


def main():
    args = parse()
    from actioncnn.data.index import is_clip
    from actioncnn.video import frame_folder

    if Path(args.video).is_dir() and not is_clip(args.video):
        raise UserError(f"{args.video}: is no video; python -m actioncnn.data.extract reads the clips of a dataset")

    reader = Videoto3D(args.size, args.size, args.depth)
    try:
        frames = reader.video3d(args.video, color=True, skip=not args.first)
    except NoFrameError as error:
        sys.exit(printable(f"{cli.program()}: {args.video}: {error}"))
    sampling = Sampling(args.size, args.depth, color=True, skip=not args.first)
    for text in frame_folder.remarks(args.video, sampling.places):
        cli.warn(f"note: {args.video}: {text}")
    cli.say(f"class {reader.get_UCF_classname(args.video)}, frames {frames.shape}")
    if args.output:
        from actioncnn.figures.strips import image
        from actioncnn.runs.outputs import check_outputs
        from actioncnn.video.segment import source

        stem = Path(args.video).absolute().stem
        paths = [args.output / f"{stem}_{index:03d}.png" for index in range(len(frames))]
        check_outputs([("--output", path) for path in paths], [source(args.video)])
        files.make_output(args.output)
        for path, frame in zip(paths, frames, strict=True):
            files.write(path, image(frame))


if __name__ == "__main__":
    cli.run(main)
