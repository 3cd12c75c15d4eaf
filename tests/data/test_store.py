"""The store of clips: each video is read once; nothing is stale, lost, or in the way of a run beside it."""

import functools
import itertools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, SAMPLING, names, video, write_blocks

from actioncnn.data import store
from actioncnn.errors import UserError
from actioncnn.video.segment import named
from videoto3d import Videoto3D

pytestmark = pytest.mark.usefixtures("forked")


def file_of(tmp_path, ending="records"):
    [path] = (tmp_path / "cache").glob(f"*.{ending}")
    return path


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("workers", [1, 3])
def test_clips_are_the_frames_with_time_behind_the_image(videos, load, color, skip, workers):
    array, failures = load(videos, color=color, skip=skip, workers=workers)
    assert array.shape == (6, 16, 16, 4, 3 if color else 1) and array.dtype == np.uint8 and failures == {}
    for clip, item in zip(array, videos, strict=True):
        frames = Videoto3D(16, 16, 4).video3d(item.path, color, skip).reshape(4, 16, 16, -1)
        for t in range(4):
            np.testing.assert_array_equal(clip[:, :, t], frames[t])


def test_clips_are_rows_of_a_mapped_file(videos, load, tmp_path):
    whole, _ = load(videos)
    clips, _ = store.load_clips(videos, SAMPLING, tmp_path / "cache")
    assert isinstance(np.asarray(clips).base, np.memmap)  # nothing is copied
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(clips)[0] = 0
    mixed, _ = store.load_clips(videos[::-1], SAMPLING, tmp_path / "cache")
    assert (len(mixed), mixed.shape, mixed.nbytes) == (6, whole.shape, whole.nbytes) and mixed.dtype == whole.dtype
    for key in (2, slice(1, 3), [4, 0], np.array([5]), np.arange(6) > 3):
        np.testing.assert_array_equal(mixed[key], whole[::-1][key])
    np.testing.assert_array_equal(mixed, whole[::-1])
    np.testing.assert_array_equal(mixed[..., ::2, :][[3, 1]], whole[::-1][[3, 1]][..., ::2, :])


def test_warm_start_decodes_nothing(videos, load, decoded, capfd):
    first, _ = load(videos)
    assert decoded() == names(videos)
    capfd.readouterr()
    second, _ = load(videos)
    assert decoded() == names(videos) and capfd.readouterr() == ("", "")
    np.testing.assert_array_equal(first, second)


def test_a_video_more_costs_one_video(videos, load, decoded):
    load(videos[1:3])
    load([videos[0], *videos[1:5]])
    assert decoded() == names(videos[:5])
    array, _ = load(videos[::-1])
    assert decoded() == names(videos)
    np.testing.assert_array_equal(array, load(videos)[0][::-1])
    assert decoded() == names(videos)


@pytest.mark.parametrize("drawn_first", [True, False])
def test_frames_are_stored_once_where_none_are_drawn(videos, load, decoded, tmp_path, drawn_first):
    """Clips of half of the frames are those of twice as many, bytes and checksums, whichever were read before."""
    read = lambda drawn: store.load_clips(videos, SAMPLING, tmp_path / "cache", 1, drawn)[0]  # noqa: E731
    loaded = {drawn: read(drawn) for drawn in (drawn_first, not drawn_first)}
    assert decoded() == sorted(names(videos) * (1 if drawn_first else 2))
    assert loaded[True].shape == (6, 16, 16, 8, 1) and loaded[False].shape == (6, 16, 16, 4, 1)
    np.testing.assert_array_equal(SAMPLING.single(loaded[True]), loaded[False])
    assert loaded[True].checksums == loaded[False].checksums
    sizes = sorted(path.stat().st_size for path in (tmp_path / "cache").glob("*.records"))
    assert sizes == ([12 * SIZE] if drawn_first else [6 * SIZE, 12 * SIZE])


def test_what_is_stored_with_frames_between_is_not_read_again(videos, decoded, tmp_path):
    expected = np.asarray(store.load_clips(videos, SAMPLING, tmp_path / "elsewhere", 1)[0])
    store.load_clips(videos[:4], SAMPLING, tmp_path / "cache", 1, drawn=True)
    before = len(decoded())
    clips, _ = store.load_clips(videos, SAMPLING, tmp_path / "cache", 1)
    np.testing.assert_array_equal(clips, expected)
    assert len(decoded()) == before + 2


def test_checksums_do_not_depend_on_the_place_of_a_record(videos, tmp_path):
    read = lambda of, folder: store.load_clips(of, SAMPLING, tmp_path / folder, 1)[0]  # noqa: E731
    read(videos[::-2], "one")
    one, other = read(videos, "one"), read(videos, "other")
    assert one.checksums == other.checksums and list(one.rows) != list(other.rows)


def test_a_network_of_one_frame_has_one_stored(videos, tmp_path):
    clips, _ = store.load_clips(videos, SAMPLING._replace(depth=0), tmp_path / "cache", 1)
    assert clips.shape == (6, 16, 16, 1, 1)
    np.testing.assert_array_equal(clips[2][:, :, 0, 0], Videoto3D(16, 16, 2).video3d(videos[2].path)[1])


def test_parts_of_a_video_are_clips_of_their_own_and_follow_its_changes(videos, load, decoded):
    parts = [video(named(videos[0].path, "frames", *ends)) for ends in ((0, 4), (8, None))]
    whole, _ = load(videos[:1], depth=12)
    array, _ = load(parts)
    np.testing.assert_array_equal(array, [whole[0, :, :, :4], whole[0, :, :, 8:]])
    count = len(decoded())
    load(parts)
    assert len(decoded()) == count
    touch(videos[:1] * 2)
    load(parts)
    assert len(decoded()) == count + 2


CHANGES = {
    "another size": {"size": 12},
    "another depth": {"depth": 5},
    "colour": {"color": True},
    "the first frames": {"skip": False},
}


@pytest.mark.parametrize("change", CHANGES)
def test_cache_is_not_used_for_other_options(videos, load, decoded, change):
    load(videos)
    array, _ = load(videos, **CHANGES[change])
    assert decoded() == sorted(2 * names(videos))
    size, depth, color, skip, _ = SAMPLING._replace(**CHANGES[change])
    frames = Videoto3D(size, size, depth).video3d(videos[2].path, color, skip)
    np.testing.assert_array_equal(array[2], np.moveaxis(frames.reshape(depth, size, size, -1), 0, 2))
    load(videos)
    assert decoded() == sorted(2 * names(videos))


def touch(videos):
    os.utime(videos[1].path, ns=(1, 1))
    return videos


def replace(videos):
    """Another video of the same length in bytes, a nanosecond younger."""
    path, before, seed = videos[1].path, videos[1].path.stat(), 99
    write_blocks(path, seed)
    while path.stat().st_size > before.st_size:
        write_blocks(path, seed := seed + 1)
    path.write_bytes(path.read_bytes().ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    return videos


def move(videos):
    return [video(item.path.rename(item.path.with_stem(f"new{item.path.stem}"))) for item in videos]


def link_elsewhere(videos):
    link = videos[0].path.with_name("link.avi")
    link.symlink_to(videos[0].path)
    return [*videos, video(link)]


@pytest.mark.parametrize(
    "change",
    [touch, replace, move, link_elsewhere, lambda videos: videos[::-1], lambda videos: videos[1:]],
    ids=["touched", "replaced", "moved", "added", "reordered", "removed"],
)
def test_cache_is_not_used_for_other_videos(videos, load, change):
    load(videos)
    videos = change(videos)
    array, _ = load(videos)
    expected = [Videoto3D(16, 16, 4).video3d(item.path) for item in videos]
    np.testing.assert_array_equal(array, np.moveaxis(expected, 1, 3)[..., None])


def test_cache_is_not_used_after_a_change_of_code_or_decoder(videos, load, decoded, monkeypatch):
    load(videos)
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)
    load(videos)
    monkeypatch.setattr("cv2.__version__", "9.9.9")
    load(videos)
    assert decoded() == sorted(3 * names(videos))


def test_class_names_do_not_matter_to_the_cache(videos, load, decoded):
    load(videos)
    load([item._replace(name="Run", group=3) for item in videos])
    assert decoded() == names(videos)


def strange_lines(path):
    """Lines of another hand that have their checksum: rows that are not there, or of another video."""
    known = list(store.parse(path.read_bytes()).items())
    other = 0 if known[2][1][0] else 1
    lines = [
        store.line_of(key, (row, *entry[1:])) for (key, entry), row in zip(known, (-1, 99, other, 10**30), strict=False)
    ]
    path.write_bytes(b"".join(lines) + store.checksum_of(b"no") + b"no\n")


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def insert(path):
    content = path.read_bytes()
    path.write_bytes(content[: 3 * SIZE] + b"more" + content[3 * SIZE :])


SIZE = 16 * 16 * 4  # bytes of a record
DAMAGES = {  # ending of the file, what becomes of it, how many of the six clips that costs
    "cut": ("records", lambda path: os.truncate(path, path.stat().st_size - 100), 1),
    "emptied": ("records", lambda path: os.truncate(path, 0), 6),
    "gone": ("records", lambda path: path.unlink(), 6),
    "another file": ("records", lambda path: path.write_text("no records"), 6),
    "one bit": ("records", lambda path: flip(path, -1 - SIZE), 1),
    "bytes in the middle": ("records", insert, 3),
    "no index": ("index", lambda path: path.unlink(), 6),
    "an index of noise": ("index", lambda path: path.write_bytes(b"\xff[[1], 2, 3]\n{}\n5\n" + b"[" * 100_000), 6),
    "an empty index": ("index", lambda path: os.truncate(path, 0), 6),
    "a line of the index": ("index", lambda path: flip(path, path.read_bytes().rindex(b"\n", 0, -1) + 9), 1),
    "the end of the index": ("index", lambda path: os.truncate(path, path.stat().st_size - 5), 1),
    "an index of another hand": ("index", strange_lines, 6),
    "what was checked": ("checked", lambda path: path.write_bytes(b"noise\xff"), 0),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_costs_only_the_damaged_clips(videos, load, decoded, tmp_path, damage):
    expected = np.array(load(videos)[0])
    ending, change, lost = DAMAGES[damage]
    change(file_of(tmp_path, ending))
    for _ in range(2):
        array, failures = load(videos)
        np.testing.assert_array_equal(array, expected)
        assert failures == {} and len(decoded()) == 6 + lost


def test_the_damaged_clip_is_the_one_that_is_read_again(videos, load, decoded, tmp_path):
    expected = np.array(load(videos, workers=1)[0])
    flip(file_of(tmp_path), -1 - SIZE)
    np.testing.assert_array_equal(load(videos)[0], expected)
    assert decoded() == sorted([*names(videos), names(videos)[4]])


def test_clips_that_do_not_stay_as_they_are_written_are_no_result(videos, load, monkeypatch):
    monkeypatch.setattr(store, "_complete", lambda *_: {})
    with pytest.raises(UserError, match="6 clips are not as they were written; check its disk, delete it"):
        load(videos)


def test_checksums_are_made_once_as_long_as_nothing_changes(videos, load, tmp_path, monkeypatch):
    load(videos[:5])
    sizes, crc32 = [], store.zlib.crc32
    with monkeypatch.context() as patch:
        patch.setattr(store.zlib, "crc32", lambda content: sizes.append(memoryview(content).nbytes) or crc32(content))
        load(videos[:5])
        assert SIZE not in sizes
        load(videos, workers=1)  # one more: only this one is checked, when it is made and when it is read back
        assert sizes.count(SIZE) == 2
        os.utime(file_of(tmp_path), ns=(1, 1))
        load(videos[1:3])
        assert sizes.count(SIZE) == 4


def test_a_store_damaged_under_a_running_training_is_left_to_it(videos, load, tmp_path):
    """What a training has mapped is neither cut nor overwritten."""
    for ending, change, _ in DAMAGES.values():
        array, expected = load(videos)[0], np.array(load(videos)[0])
        path = file_of(tmp_path, ending)
        if ending == "index":
            change(path)
            load(videos)
            np.testing.assert_array_equal(array, expected)


def test_a_store_cut_under_a_running_training_is_one_line(videos, load, tmp_path):
    """To read what is no longer there would end the process."""
    load(videos)
    clips, _ = store.load_clips(videos, SAMPLING, tmp_path / "cache")
    store.check_whole(clips)
    store.check_whole(np.zeros(3))
    os.truncate(file_of(tmp_path), 1000)
    load(videos)  # another run makes the store whole: elsewhere
    for read in (lambda: clips[np.array([5])], lambda: clips[..., 0, :][5], lambda: np.asarray(clips)):
        with pytest.raises(UserError, match=r"records was cut while it was in use; .*--resume True"):
            read()


@pytest.mark.parametrize("ending", ["records", "index", "checked", "lock"])
def test_a_folder_in_the_place_of_a_file_is_named(videos, load, tmp_path, ending):
    load(videos)
    path = file_of(tmp_path, ending)
    path.unlink()
    (path / "mine").mkdir(parents=True)
    write_blocks(videos[0].path, 9)  # there is something to write
    with pytest.raises(UserError, match=f"{path}: is a directory; move it away"):
        load(videos)
    assert (path / "mine").exists()


def test_checksums_tell_the_content(videos, load, tmp_path):
    load(videos)
    before = store.load_clips(videos, SAMPLING, tmp_path / "cache")[0].checksums
    write_blocks(videos[2].path, 9)
    after = store.load_clips(videos, SAMPLING, tmp_path / "cache")[0].checksums
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, True, True, True]


HELD_RUN = """
import os, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
import multiprocessing
import numpy
from actioncnn import cli
from actioncnn.data import index, store
from actioncnn.video import decode, pool
from actioncnn.video.sampling import Sampling
pool.CONTEXT = multiprocessing.get_context("fork")  # to inherit hold()
read_clip = decode.read_clip

def hold(path, sampling):
    with open("decoded", "a") as log:
        log.write(f"{{os.getpid()}} {{Path(path).name}}\\n")
    while Path(path).name in {held} and not Path("go").exists():
        time.sleep(0.01)
    return read_clip(path, sampling)

def main():
    decode.read_clip = hold
    array, failures = store.load_clips(index.scan("videos"), Sampling(16, 4, False), "cache", {workers})
    print(array.shape, numpy.mean(array), failures)

if __name__ == "__main__":
    cli.run(main)
"""


def start(tmp_path, held=(), workers=1):
    """A process that extracts the clips; it stands still at the `held` videos until there is a file "go"."""
    (tmp_path / "held.py").write_text(HELD_RUN.format(root=str(ROOT), held=held, workers=workers))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    heard = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a shell's background jobs ignore it
    options = {"cwd": tmp_path, "start_new_session": True, "preexec_fn": heard}
    return subprocess.Popen([sys.executable, "held.py"], **options, **pipes)


def decodes(tmp_path):
    log = tmp_path / "decoded"
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def wait_for(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_killed_run_goes_on_where_it_stopped(videos, tmp_path, load):
    run = start(tmp_path, held=["3.avi"])
    wait_for(lambda: len(decodes(tmp_path)) == 4)
    run.kill()
    run.wait()
    (tmp_path / "go").touch()
    run.communicate(timeout=10)
    wait_for(lambda: ended(decodes(tmp_path)[0][0]))  # no process stays behind
    output, error = start(tmp_path).communicate(timeout=30)
    assert [name for _, name in decodes(tmp_path)] == ["0.avi", "1.avi", "2.avi", "3.avi", "3.avi", "4.avi", "5.avi"]
    assert "3/6" in error and output.startswith("(6, 16, 16, 4, 1)")
    np.testing.assert_allclose(float(output.split()[5]), load(videos)[0].mean())


def test_interrupt_ends_at_once_and_keeps_what_is_done(videos, tmp_path):
    run = start(tmp_path, held=["4.avi", "5.avi"], workers=2)
    wait_for(lambda: len(decodes(tmp_path)) == 6)
    os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C does: to all processes
    _, error = run.communicate(timeout=10)
    assert run.returncode == 130
    assert "Traceback" not in error and error.rstrip().endswith("held.py: interrupted")
    wait_for(lambda: all(ended(pid) for pid, _ in decodes(tmp_path)))
    (tmp_path / "go").touch()
    start(tmp_path).communicate(timeout=30)
    assert [name for _, name in decodes(tmp_path)[6:]] == ["4.avi", "5.avi"]


def test_second_run_waits_for_the_first_and_uses_its_clips(videos, tmp_path):
    first = start(tmp_path, held=["2.avi"])
    wait_for(lambda: len(decodes(tmp_path)) == 3)
    second = start(tmp_path)
    assert second.stderr.readline() == "held.py: another run is reading videos into this cache; waiting for it\n"
    (tmp_path / "go").touch()
    outputs = [run.communicate(timeout=30) for run in (first, second)]
    assert outputs[0][0] == outputs[1][0] and outputs[0][0].startswith("(6, ")
    assert outputs[1][1] == "" and len(decodes(tmp_path)) == 6


def test_disk_that_fills_up_later_keeps_what_is_done(videos, load, decoded, monkeypatch):
    append, count = store.Store.append, 4

    def full(self, results):
        def some():
            yield from itertools.islice(results, count)
            raise OSError(28, "No space left on device")

        return append(self, some())

    with monkeypatch.context() as patch:
        patch.setattr(store.Store, "append", full)
        with pytest.raises(UserError, match="--cache: .*No space left on device; make room"):
            load(videos, workers=1)
    before = len(decoded())
    load(videos)
    assert len(decoded()) - before == 6 - count


@pytest.mark.parametrize("inside", ["", "below"])
def test_cache_that_cannot_be_written(videos, tmp_path, inside):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--cache: .*file.* make room there or give another folder"):
        store.load_clips(videos, SAMPLING, tmp_path / "file" / inside)


def test_default_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert store.default_cache() == tmp_path / "actioncnn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert store.default_cache() == tmp_path / "home" / ".cache" / "actioncnn"


REAL_RUN = """
import sys
sys.path.insert(0, {root!r})
from actioncnn.data import index, store
from actioncnn.video.sampling import Sampling
videos = index.scan({directory!r})
array, failures = store.load_clips(videos, Sampling(32, 10, False), "cache")
for row in range(len(videos)):
    assert row not in failures or not array[row].any(), videos[row]
print(len(videos), len(failures), *failures.values(), sep="\\n")
"""


@pytest.mark.parametrize("variable, most", [("UCF101_DIR", 0), ("HARD_VIDEOS_DIR", 0.3)])
def test_real_videos_are_loaded_or_listed_and_decoders_are_quiet(tmp_path, variable, most):
    if variable not in os.environ:
        pytest.skip(f"needs {variable}")
    code = REAL_RUN.format(root=str(ROOT), directory=os.path.abspath(os.environ[variable]))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert run.returncode == 0, run.stderr
    count, failed, *lines = run.stdout.splitlines()
    assert len(lines) == int(failed) <= most * int(count) and all(lines)
    assert all(
        part.startswith(("reading videos: ", "-c: note: "))  # as of files that are stills
        for part in run.stderr.replace("\n", "\r").split("\r")
        if part.strip()
    )
