"""Looks for inputs that end in anything but an answer or a line for the user, guided by what code they reach (atheris).

python tests/faults/fuzz.py names|lists|models -max_total_time=300    # and other options of libFuzzer

Linux; `make fuzz` installs atheris and runs each for five minutes. What is found is written to crash-* here, and given
again as an argument it is tried alone.
"""

import sys
import tempfile
from pathlib import Path

import atheris

sys.path[:0] = [str(Path(__file__).resolve().parents[parent]) for parent in (2, 1)]

with atheris.instrument_imports(include=["actioncnn"]):
    from actioncnn import device
    from actioncnn.data import index, names
    from actioncnn.errors import UserError
    from actioncnn.model import audit, build, legacy, loading, saving  # noqa: F401 - instrumented

FOLDER = Path(tempfile.mkdtemp())
VIDEOS = [f"v_Bar{way}_g{group:02d}_c01.avi" for group in range(1, 8) for way in ("Left", "Right")]


def of_name(content):
    """What a file name tells."""
    name = content.decode(errors="surrogateescape")
    names.match(name)
    names.match(name, only_sure=False)
    names.is_video(name)


def of_list(content):
    """A list of training videos, and after a zero byte classInd.txt beside it."""
    path, (first, _, second) = FOLDER / "list.csv", content.partition(b"\0")
    path.write_bytes(first)
    (FOLDER / "classInd.txt").write_bytes(second)
    index.understand(FOLDER / "videos", train_list=path)


def of_model(content):
    """A model's file of any kind."""
    path = FOLDER / "model"
    path.write_bytes(content)
    loading.load_model(path)


def small_models():
    """A model as JSON, as weights, and as `.keras`."""
    device.setup("float32")
    from keras import layers

    from actioncnn.train.networks import chain

    model = chain((4, 4, 2, 1), [layers.Conv3D(2, 2), layers.Flatten(), layers.Dense(2)])
    paths = FOLDER / "seed.json", FOLDER / "seed.hd5", FOLDER / "seed.keras"
    saving.save_model(model, *paths)
    return [path.read_bytes() for path in paths]


def small_lists():
    (FOLDER / "videos").mkdir()
    for name in VIDEOS:
        (FOLDER / "videos" / name).touch()
    lines = [f"BarLeft/{name} {1 + ('Right' in name)}" for name in VIDEOS]
    named = [f"{name},{'Right' in name},{place}" for place, name in enumerate(VIDEOS)]
    return ["\n".join(lines).encode() + b"\x001 BarLeft\n2 BarRight", "\n".join(["file,label,group", *named]).encode()]


TARGETS = {
    "names": (of_name, lambda: [pattern.example.encode() for pattern in names.PATTERNS]),
    "lists": (of_list, small_lists),
    "models": (of_model, small_models),
}


def main():
    target, seeds = TARGETS[sys.argv.pop(1)]
    corpus = FOLDER / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)

    def once(content):
        try:
            target(content)
        except UserError as error:
            if "\n" in str(error):
                raise

    limits = ["-timeout=30", "-rss_limit_mb=3000", "-max_len=100000"]
    atheris.Setup([sys.argv[0], *limits, *sys.argv[1:], str(corpus)], once)
    atheris.Fuzz()


main()
