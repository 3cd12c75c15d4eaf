"""Damage to the bytes of a file, drawn from a seed; and what comes of reading a model, in a process of its own."""

import time
import zlib


def flipped(content, random):
    place = random.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << random.randrange(8)]) + content[place + 1 :]


def cut(content, random):
    return content[: random.randrange(len(content))]


def zeroed(content, random):
    place = random.randrange(len(content))
    return content[:place] + bytes(random.randrange(1, 999)) + content[place + 999 :]


def repeated(content, random):
    place = random.randrange(len(content))
    return content[:place] + content[place // 2 :]


WAYS = flipped, cut, zeroed, repeated


def damaged(path, random, target):
    """Writes a damaged copy of a file -> the way in which it is."""
    way = random.choice(WAYS)
    target.write_bytes(way(path.read_bytes(), random))
    return way.__name__


def peak(anew=False):
    """The most bytes that this process had, since the last call with `anew`; 0 where the system does not tell."""
    try:
        if anew:
            with open("/proc/self/clear_refs", "w") as file:
                file.write("5")
        with open("/proc/self/status") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmHWM"))
    except OSError:
        return 0


def read_model(paths, seconds):
    """A job of video.pool: what comes of a model in (architecture, weights or None).

    -> (error or None, CRC of the weights or None, seconds, bytes)

    A process that takes longer is ended. The error is that of the user, in a line; another one is passed on.
    """
    import keras  # noqa: F401 - not counted

    from actioncnn.errors import UserError
    from actioncnn.model import loading
    from actioncnn.video import pool

    error, weights, start = None, None, time.perf_counter()
    peak(anew=True)
    with pool.limited(seconds):
        try:
            weights = zlib.crc32(b"".join(array.tobytes() for array in loading.load_model(*paths).get_weights()))
        except UserError as problem:
            error = str(problem)
    yield error, weights, time.perf_counter() - start, peak()


def read_clip(path, sampling):
    """A job of video.pool: what comes of a video -> (error or None, shape of the clip or None, seconds, bytes)."""
    from actioncnn.errors import NoFrameError
    from actioncnn.video import pool

    error, shape, start = None, None, time.perf_counter()
    peak(anew=True)
    try:
        shape = pool.read_clip(path, sampling).shape
    except NoFrameError as problem:
        error = str(problem)
    yield error, shape, time.perf_counter() - start, peak()
