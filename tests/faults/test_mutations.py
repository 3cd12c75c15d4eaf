"""Files whose bytes are damaged cost a line or are made anew; none ends in a traceback, a crash or a wrong result."""

import functools
import shutil
import sys

import numpy as np
import pytest
from faults import bombs, hostile_videos
from faults.harness import LONG, check, draws, tried
from faults.mutations import damaged, read_clip, read_model
from helpers import SAMPLING, bar, write_video

from actioncnn.data import index, store
from actioncnn.errors import UserError
from actioncnn.video import pool

CODECS = {"avi": "MJPG", "mp4": "mp4v", "mkv": "MPNG"}
SECONDS = 15  # for a model's file, on a machine of which it has a core


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    """A video of each of some codecs."""
    folder, frames = tmp_path_factory.mktemp("films"), bar(np.random.default_rng(0), 1)
    for ending, codec in CODECS.items():
        write_video(folder / f"film.{ending}", frames, codec)
    return sorted(folder.iterdir())


@pytest.mark.slow
def test_damaged_videos(films, tmp_path, forked):
    kind = "damaged videos"
    random, paths, ways = draws(kind), {}, {}
    for number in range(600 if LONG else 12):
        film = films[number % len(films)]
        paths[number] = tmp_path / f"{number}{film.suffix}"
        ways[number] = damaged(film, random, paths[number])
    given = pool.clips(paths, SAMPLING, 2)
    for _ in range(len(paths)):
        with tried(kind, "the next"):
            number, clip = next(given)
            what = f"{paths.pop(number).name} {ways[number]}"
            if isinstance(clip, pool.Failed):
                assert clip.reason and len(clip.reason) < 300 and not clip.passing, f"{what}: {clip}"
            else:
                assert clip.shape == (16, 16, 4, 1) and clip.dtype == np.uint8, what
    assert not paths
    check(kind)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="no limit of memory")
def test_hostile_videos(tmp_path):
    """Each is read, or is a line, within SECONDS and 2 GB, and a good one that the same process reads next is read."""
    kind, good = "hostile videos", tmp_path / "good.avi"
    write_video(good, bar(np.random.default_rng(0), 1))
    names = list(hostile_videos.KINDS) if LONG else draws(kind).sample(list(hostile_videos.KINDS), 3)
    paths = [path for name in names for path in (hostile_videos.write(name, tmp_path), good)]
    for number, answer in pool.run(dict(enumerate(paths)), functools.partial(read_clip, sampling=SAMPLING), 1):
        if isinstance(answer, pool.Finished):
            continue
        with tried(kind, paths[number].name) as spent:
            assert not isinstance(answer, pool.Failed), answer
            error, shape, spent["seconds"], spent["bytes"] = answer
            assert shape == (16, 16, 4, 1) or (paths[number] != good and error and len(error) < 300), answer
            assert spent["seconds"] < SECONDS and spent["bytes"] < 2e9, spent
    check(kind)


@pytest.mark.slow
def test_damaged_stores(few, tmp_path, forked):
    """Whatever becomes of the store: the next run has the same clips, and says nothing."""
    kind = "damaged stores"
    random, videos = draws(kind), index.scan(few)[::5]
    whole = tmp_path / "whole"
    expected = np.array(store.load_clips(videos, SAMPLING, whole, 2)[0])
    for number in range(300 if LONG else 9):
        folder = shutil.copytree(whole, tmp_path / "damaged")
        path = next(folder.glob(f"*{('.records', '.index', '.checked')[number % 3]}"))
        with tried(kind, f"{number} {path.suffix} {damaged(path, random, path)}"):
            clips, failures = store.load_clips(videos, SAMPLING, folder, 2)
            assert not failures and np.array_equal(clips, expected), "other clips"
        shutil.rmtree(folder)
    check(kind)


@pytest.mark.slow
def test_damaged_models(whole, tmp_path):
    kind = "damaged models"
    random, paths, ways = draws(kind), {}, {}
    model = {path.suffix: path for path in whole.glob("ucf101_3dcnnmodel.*")}
    for number in range(600 if LONG else 9):
        source = model[(".json", ".hd5", ".keras")[number % 3]]
        path = tmp_path / f"{number}{source.suffix}"
        ways[number] = damaged(source, random, path)
        there = {**model, source.suffix: path}
        paths[number] = (path, None) if source.suffix == ".keras" else (there[".json"], there[".hd5"])
    paths["whole"], ways["whole"] = (model[".keras"], None), "not"
    check_models(kind, paths, ways)


def check_models(kind, paths, what, refused=False):
    """Each is read, or refused with a line, within SECONDS and 2 GB; those that are read have the same weights."""
    read = set()
    for number, answer in pool.run(paths, functools.partial(read_model, seconds=4 * SECONDS), 1):
        if isinstance(answer, pool.Finished):
            continue
        with tried(kind, f"{number} {what[number]}") as spent:
            assert not isinstance(answer, pool.Failed), answer
            error, weights, spent["seconds"], spent["bytes"] = answer
            read |= {weights} - {None}
            assert len(read) < 2, "other weights than another"
            assert error is None or ("\n" not in error and len(error) < 700), error
            assert error or not refused, "is read"
            assert spent["seconds"] < SECONDS and spent["bytes"] < 2e9, spent
    check(kind)


NAMES = [(way, group, f"v_Bar{way}_g{group:02d}_c01.avi") for group in range(1, 22) for way in ("Left", "Right")]
LISTS = {
    "ucf.txt": "".join(f"Bar{way}/{name} {1 + (way == 'Right')}\n" for way, _, name in NAMES),
    "own.csv": "file,label,group\n" + "".join(f"{name},{way},{group}\n" for way, group, name in NAMES),
}


@pytest.mark.slow
def test_damaged_lists(few, tmp_path):
    kind = "damaged lists"
    random = draws(kind)
    for number in range(1000 if LONG else 40):
        name = list(LISTS)[number % 2]
        source, path = tmp_path / name, tmp_path / f"damaged-{name}"
        source.write_text(LISTS[name])
        with tried(kind, f"{number} {name} {damaged(source, random, path)}"):
            try:
                found = index.understand(few, train_list=path)
                assert all(video.path.is_file() and video.name for video in found.videos)
            except UserError as error:
                assert (str(path) in str(error) or "--train-list" in str(error)) and "\n" not in str(error), error
            except Exception as error:
                raise AssertionError(f"{type(error).__name__}: {error}") from error
    check(kind)


@pytest.mark.slow
def test_hostile_models(tmp_path):
    """Each is refused: none has weights that fit."""
    kinds = bombs.KINDS if LONG else draws("hostile models").sample(bombs.QUICK, 4)
    paths = {}
    for number, kind in enumerate(kinds):
        (tmp_path / str(number)).mkdir()
        paths[number] = bombs.write(kind, tmp_path / str(number))
    check_models("hostile models", paths, kinds, refused=True)
