"""The cache of clips: never stale, never lost, never in the way of a run beside it."""

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from helpers import ROOT, SAMPLING, names, video, write_blocks

from actioncnn.data import batches, cache
from actioncnn.errors import UserError
from videoto3d import Videoto3D

pytestmark = pytest.mark.usefixtures("forked")


def array_file(tmp_path):
    [path] = (tmp_path / "cache").glob("*.npy")
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


def test_array_is_mapped_and_read_only(videos, load):
    array, _ = load(videos)
    assert isinstance(array, np.memmap) and not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0


def test_warm_start_decodes_nothing(videos, load, decoded, capfd):
    first, _ = load(videos)
    assert decoded() == names(videos)
    capfd.readouterr()
    second, _ = load(videos)
    assert decoded() == names(videos) and capfd.readouterr() == ("", "")
    np.testing.assert_array_equal(first, second)


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
    monkeypatch.setattr(cache, "VERSION", cache.VERSION + 1)
    load(videos)
    monkeypatch.setattr("cv2.__version__", "9.9.9")
    load(videos)
    assert decoded() == sorted(3 * names(videos))


def test_class_names_do_not_matter_to_the_cache(videos, load, decoded):
    load(videos)
    load([item._replace(name="Run", group=3) for item in videos])
    assert decoded() == names(videos)


DAMAGES = {
    "cut": lambda path: os.truncate(path, path.stat().st_size - 100),
    "emptied": lambda path: os.truncate(path, 0),
    "another file": lambda path: path.write_text("no array"),
    "another array": lambda path: np.save(path, np.zeros((3, 3))),
    "a pickle": lambda path: np.save(path, np.array([{}], object), allow_pickle=True),
    "a header of noise": lambda path: path.write_bytes(path.read_bytes()[:9] + b"\x00(((" + path.read_bytes()[13:]),
    "without its log": lambda path: path.with_suffix(".log").unlink(),
    "a log of noise": lambda path: path.with_suffix(".log").write_bytes(b"\xff[[1], 2, 3]\n{}\n5\n"),
    "a log of deeply nested JSON": lambda path: path.with_suffix(".log").write_text("[" * 100_000),
    "an unknown log": lambda path: path.with_suffix(".log").write_text(
        '[[1], 2, null]\n{}\n5\n[7, 1, null]\n["0", 1, 1]\n'
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_cache_is_made_anew(videos, load, decoded, tmp_path, damage):
    expected = np.array(load(videos)[0])
    DAMAGES[damage](array_file(tmp_path))
    array, failures = load(videos)
    np.testing.assert_array_equal(array, expected)
    assert failures == {} and decoded() == sorted(2 * names(videos))
    load(videos)
    assert decoded() == sorted(2 * names(videos))


def test_only_damaged_clips_are_decoded_again(videos, load, decoded, tmp_path):
    expected = np.array(load(videos)[0])
    content = bytearray(array_file(tmp_path).read_bytes())
    content[-1 - 2 * expected[0].size] ^= 1  # the last byte of the last but one: twice the frames are kept
    array_file(tmp_path).write_bytes(content)
    np.testing.assert_array_equal(load(videos)[0], expected)
    assert decoded() == sorted([*names(videos), names(videos)[4]])


def test_bytes_in_the_middle_of_the_array_cost_the_clips_behind_them(videos, load, tmp_path):
    """A longer file: its clips stand where the header says, not where its end does."""
    expected = np.array(load(videos)[0])
    content, half = array_file(tmp_path).read_bytes(), 128 + expected[0].size * 3
    array_file(tmp_path).write_bytes(content[:half] + b"more" + content[half:])
    np.testing.assert_array_equal(load(videos)[0], expected)


def test_clips_that_do_not_stay_as_they_are_written_are_no_result(videos, load, monkeypatch):
    monkeypatch.setattr(cache, "_complete", lambda *_: {})
    with pytest.raises(UserError, match="6 clips are not as they were written; check its disk, delete the file"):
        load(videos)


def test_checksums_are_made_once_as_long_as_nothing_changes(videos, load, tmp_path, monkeypatch):
    load(videos)
    with monkeypatch.context() as patch:
        patch.setattr(cache.zlib, "crc32", lambda *_: pytest.fail("checked again"))
        load(videos)
    array_file(tmp_path).with_suffix(".proof").write_bytes(b"damaged\xff")
    load(videos)
    assert len(array_file(tmp_path).with_suffix(".proof").read_text()) > 20


def test_cache_damaged_under_a_running_training_is_left_to_it(videos, load, tmp_path):
    array, _ = load(videos)
    inode = array_file(tmp_path).stat().st_ino
    array_file(tmp_path).with_suffix(".log").unlink()
    load(videos)
    assert array.any() and array_file(tmp_path).stat().st_ino != inode  # a file cut while it is mapped kills its reader


def test_cache_cut_under_a_running_training_is_one_line(videos, load, tmp_path):
    """To read what is no longer there would end the process."""
    array, _ = load(videos)
    batches.check_whole(array)
    batches.check_whole(np.zeros(3))
    os.truncate(array_file(tmp_path), 1000)
    with pytest.raises(UserError, match=r"npy was cut while it was in use; .*--resume True"):
        batches.copy_rows(array[..., 0], np.array([5]))


@pytest.mark.parametrize("ending", [".npy", ".log", ".proof", ".lock"])
def test_a_folder_in_the_place_of_a_file_is_named(videos, load, tmp_path, ending):
    load(videos)
    path = array_file(tmp_path).with_suffix(ending)
    if ending != ".npy":
        array_file(tmp_path).with_suffix(".log").unlink()
    path.unlink(missing_ok=True)
    (path / "mine").mkdir(parents=True)
    with pytest.raises(UserError, match=f"{path}: is a directory; move it away"):
        load(videos)
    assert (path / "mine").exists()


def test_checksums_tell_the_content(videos, load, tmp_path):
    load(videos)
    before = cache.checksums(videos, SAMPLING, tmp_path / "cache")
    write_blocks(videos[2].path, 9)
    load(videos)
    after = cache.checksums(videos, SAMPLING, tmp_path / "cache")
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, True, True, True]


def test_partial_file_is_finished(videos, load, decoded, tmp_path):
    """As a kill leaves it: two clips are finished, a third without its line in the log, a line is cut."""
    expected = np.array(load(videos)[0])
    path = array_file(tmp_path)
    lines = path.with_suffix(".log").read_text().splitlines()
    kept = sorted(line for line in lines if line)[:2]
    path.with_suffix(".log").write_text("\n".join([*kept, lines[-1][:-3]]))
    path.rename(path.with_suffix(".partial"))
    array, _ = load(videos)
    np.testing.assert_array_equal(array, expected)
    assert len(decoded()) == 6 + 4 and not list(path.parent.glob("*.partial"))
    load(videos)
    assert len(decoded()) == 6 + 4


HELD_RUN = """
import os, sys, time
sys.path.insert(0, {root!r})
from pathlib import Path
import multiprocessing
from actioncnn import cli
from actioncnn.data import cache, index
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
    array, failures = cache.load_clips(index.scan("videos"), Sampling(16, 4, False), "cache", {workers})
    print(array.shape, array.mean(), failures)

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
    assert second.stderr.readline() == "held.py: another run is reading the same videos; waiting for it\n"
    (tmp_path / "go").touch()
    outputs = [run.communicate(timeout=30) for run in (first, second)]
    assert outputs[0][0] == outputs[1][0] and outputs[0][0].startswith("(6, ")
    assert outputs[1][1] == "" and len(decodes(tmp_path)) == 6


def test_disk_that_fills_up_later_keeps_what_is_done(videos, load, decoded, monkeypatch):
    write, count = cache.write_clips, 4

    def full(partial, log, shape, results, bar):
        def some():
            for _, result in zip(range(count), results, strict=False):
                yield result
            raise OSError(28, "No space left on device")

        write(partial, log, shape, some(), bar)

    with monkeypatch.context() as patch:
        patch.setattr(cache, "write_clips", full)
        with pytest.raises(UserError, match="--cache: .*No space left on device; make room"):
            load(videos, workers=1)
    before = len(decoded())
    load(videos)
    assert len(decoded()) - before == 6 - count


@pytest.mark.parametrize("inside", ["", "below"])
def test_cache_that_cannot_be_written(videos, tmp_path, inside):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="--cache: .*file.* make room there or give another folder"):
        cache.load_clips(videos, SAMPLING, tmp_path / "file" / inside)


def test_default_cache_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_cache() == tmp_path / "actioncnn"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.default_cache() == tmp_path / "home" / ".cache" / "actioncnn"


REAL_RUN = """
import sys
sys.path.insert(0, {root!r})
from actioncnn.data import cache, index
from actioncnn.video.sampling import Sampling
videos = index.scan({directory!r})
array, failures = cache.load_clips(videos, Sampling(32, 10, False), "cache")
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
