"""A disk that is full, or a limit on the size of files, ends a run with one line, and no signal."""

import resource
import subprocess

import pytest
from faults.harness import LONG, check, contents, draws, launch, tried, without_output


def one_line(code, error):
    lines = [line for line in error.replace("\r", "\n").splitlines() if line.strip() and "%" not in line]
    assert code == 1 and len(lines) == 1, (code, error)
    return lines[0]


def limited(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="takes minutes: make faults")
def test_limited_files(options, tmp_path, whole):
    kind = "limited size of files"
    random, expected = draws(kind), without_output(contents(whole))
    for number in range(20):
        size, output = int(10 ** random.uniform(2, 6.8)), tmp_path / str(number)
        with tried(kind, size):
            code, error = launch("3dcnn.py", *options, "--output", output, preexec_fn=limited(size))
            if code == 0:
                assert without_output(contents(output)) == expected
            else:
                assert "room" in one_line(code, error) or "needs" in one_line(code, error), error
    check(kind)


@pytest.fixture
def disk(tmp_path):
    """disk(bytes) -> an empty file system of that size."""
    mounted = []

    def make(size):
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True)
        if done.returncode:
            pytest.skip("this machine lets nobody mount a file system")
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", path], check=True)


@pytest.mark.slow
@pytest.mark.skipif(not LONG, reason="takes minutes: make faults")
def test_full_disks(options, disk, whole):
    """Disks too small from the start, and those that another fills while the run trains; with room it goes on."""
    kind = "full disk"
    random, expected = draws(kind), without_output(contents(whole))
    for number in range(20):
        size = int(10 ** random.uniform(4, 7.4))
        place = disk(size if number % 2 else 1 << 26)
        output, filler = place / "run", place / "filler"
        with tried(kind, f"{size} bytes, {'from the start' if number % 2 else 'left'}"):
            if number % 2 == 0:
                assert launch("3dcnn.py", *options, "--output", output, seconds=0)[0] < 0
                fill(filler, place, size)
            code, error = launch("3dcnn.py", *options, "--output", output, "--resume")
            if code:
                assert "room" in one_line(code, error) or "needs" in one_line(code, error), error
                filler.unlink(missing_ok=True)
            if number % 2 == 0:
                assert not code or launch("3dcnn.py", *options, "--output", output, "--resume")[0] == 0
                assert without_output(contents(output)) == expected
    check(kind)


def fill(path, place, left):
    """Fills a file system but for some bytes."""
    import shutil

    with open(path, "wb") as file:
        file.truncate(0)
        file.write(bytes(max(shutil.disk_usage(place).free - left, 0)))
