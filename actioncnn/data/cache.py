"""Index of videos -> one uint8 array of clips, extracted by parallel processes and cached on disk.

The cache has three files for each set of videos and options. clips-<key>.npy is the array; while it grows it is called
.partial. clips-<key>.log has a line per finished video: its index, the checksum of its clip, and why it failed, if so.
clips-<key>.proof says of which state of these two all checksums were right.
A run that was killed goes on where it stopped; a clip whose checksum is wrong is made anew. A shard, the clips that
one of several machines has read, is such a .partial of the whole array with holes; the next run takes its clips over.
"""

import contextlib
import functools
import hashlib
import json
import os
import shutil
import zlib
from pathlib import Path
from stat import S_ISDIR

import numpy as np
from filelock import FileLock, Timeout

from actioncnn import files
from actioncnn.cli import bar, warn
from actioncnn.errors import UserError
from actioncnn.video import frame_folder, pool

VERSION = 2  # of the clips' content: raise it when decoding, resizing or the order of the axes changes
FEW, FEW_SHARE = 3, 0.01  # videos that may fail for reasons that pass; with more the drive may have gone


def default_cache():
    """The folder for caches: actioncnn in $XDG_CACHE_HOME, else in ~/.cache."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actioncnn"
    except RuntimeError:
        raise UserError("--cache: you have no home directory for it; give a folder") from None


def load_clips(videos, sampling, cache_dir=None, workers=None):
    """Clips of the videos, from the cache where it has them: read-only memory-mapped uint8 (N, H, W, frames,
    channels) as decode.read_clip gives them, and {index: reason} of the videos that gave none (their clips are zeros).

    `workers`: number of processes, by default that of the CPUs. UserError: no frame in any video, cache not writable,
    disk full.
    """
    stored, failures = load_doubled(videos, sampling, cache_dir, workers)
    return sampling.single(stored), failures


def load_doubled(videos, sampling, cache_dir=None, workers=None):
    """The same with all frames that the cache has: those of sampling.doubled(), which training draws from."""
    sampling = sampling.doubled()
    with _files(videos, sampling, cache_dir) as (path, shape):
        reasons = proven(path, shape)
        if len(reasons) < len(videos):
            with _locked(path.with_suffix(".lock")):
                passing = _complete(path, shape, videos, sampling, workers)
            reasons = proven(path, shape) | passing
            if len(reasons) < len(videos):
                missing = f"{len(videos) - len(reasons)} clips are not as they were written"
                raise UserError(f"--cache: {path}: {missing}; check its disk, delete the file and start again")
        failures = {index: reason for index, reason in sorted(reasons.items()) if reason}
        if len(failures) == len(videos):
            raise UserError(f"none of {len(videos)} videos gives a frame; the first, {videos[0].path}: {failures[0]}")
        return np.load(path, mmap_mode="r"), failures


def extract_shard(videos, sampling, shard, cache_dir=None, workers=None):
    """Reads the clips of the i-th of n shards of the videos, shard = (i, n) with i from 1, for load_clips to take over.

    Returns the number of clips that the cache had already, in the whole or in the shard, and {index: reason} of the
    shard's videos that gave none. UserError: as load_clips.
    """
    sampling, (number, count) = sampling.doubled(), shard
    with _files(videos, sampling, cache_dir) as (path, shape):
        rows = range(number - 1, len(videos), count)
        partial = path.with_name(f"{path.stem}-shard-{number}-of-{count}.partial")
        if len(proven(path, shape)) == len(videos):
            return len(rows), {}
        with _locked(partial.with_suffix(".lock")):
            had = len(status(partial, shape))
            passing = _extract(partial, shape, rows, videos, sampling, workers)
            reasons = status(partial, shape) | passing
            return had, {index: reason for index, reason in reasons.items() if reason}


@contextlib.contextmanager
def _files(videos, sampling, cache_dir):
    """Path and shape of the array of these clips, in a folder that exists; trouble with its files is one line."""
    path, shape = _array(videos, sampling, cache_dir)
    folder = path.parent
    for ending in (".npy", ".partial", ".log", ".proof", ".lock"):
        if path.with_suffix(ending).is_dir():
            raise UserError(f"--cache: {path.with_suffix(ending)}: is a directory; move it away")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield path, shape
    except BrokenPipeError:  # it is the terminal that has gone
        raise
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"--cache: {folder}: {reason}; make room there or give another folder") from error


def _array(videos, sampling, cache_dir):
    """Path and shape of the array of clips."""
    shape = (len(videos), sampling.height, sampling.width, sampling.frames, 3 if sampling.color else 1)
    name = f"clips-{'x'.join(map(str, shape[1:]))}-{cache_key(videos, sampling)}.npy"
    return Path(cache_dir or default_cache()) / name, shape


def checksums(videos, sampling, cache_dir=None):
    """CRC-32 of each clip that load_clips gave, None where a failure may pass."""
    entries = logged(_array(videos, sampling.doubled(), cache_dir)[0])
    return [entries[index][0] if index in entries else None for index in range(len(videos))]


def cache_key(videos, sampling):
    """Hexadecimal digest of all that the clips depend on: files (path, size, time), sampling, versions."""
    import cv2

    skip, color = bool(sampling.skip), bool(sampling.color)
    options = {"size": sampling.size, "depth": sampling.frames, "color": color, "skip": skip}
    identities = [_identity(video.path, sampling) for video in videos]
    content = json.dumps([VERSION, cv2.__version__, options, identities])
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _identity(path, sampling):
    real = os.path.realpath(path) if path.is_symlink() else os.path.join(_real_folder(path.parent), path.name)
    try:
        stat = path.stat()
        if S_ISDIR(stat.st_mode):
            return [real, frame_folder.fingerprint(path, sampling.places)]
    except OSError:  # a link to nowhere; reported when it is read
        return [str(path)]
    return [real, stat.st_size, stat.st_mtime_ns, os.access(path, os.R_OK)]


@functools.lru_cache(1024)
def _real_folder(folder):
    return os.path.realpath(folder)  # slow: once for all its files


def _locked(path):
    """A held lock, to be used in `with`; it falls with the process that holds it."""
    lock = FileLock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        warn("another run is reading the same videos; waiting for it")
        return lock.acquire(poll_interval=0.2)


def _complete(path, shape, videos, sampling, workers):
    """Make what is missing in the array file at `path`, and give it that name when it has all clips that there are.

    Returns {index: reason} of failures that may pass: the next run tries these videos again.
    """
    if len(status(path, shape)) == len(videos):
        return {}  # the other run has made it
    partial = path.with_suffix(".partial")
    if path.exists():
        path.replace(partial)  # damaged: keep what is good
    shards = path.parent.glob(f"{path.stem}-shard-*.partial")
    passing = _extract(partial, shape, range(len(videos)), videos, sampling, workers, shards)
    partial.replace(path)
    return passing


def _extract(partial, shape, rows, videos, sampling, workers, shards=()):
    """Write the clips of these rows to a partial array and its log: what shards have of them, then from the videos."""
    log, done = partial.with_suffix(".log"), status(partial, shape)
    if not done:
        partial.unlink(missing_ok=True)  # not overwritten: a running training may have it in memory
        log.unlink(missing_ok=True)
    missing = [row for row in rows if row not in done]
    _check_space(partial.parent, len(missing) * int(np.prod(shape[1:])))
    if not done:
        np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=shape)
    with bar(desc="reading videos", unit="video", total=len(rows), initial=len(rows) - len(missing)) as progress:
        for shard in shards:
            with _locked(shard.with_suffix(".lock")):  # its machine may still be reading
                write_clips(partial, log, shape, of_shard(shard, shape, set(missing)), progress)
                for ending in (".partial", ".log"):
                    shard.with_suffix(ending).unlink()
            missing = sorted(set(missing) - status(partial, shape).keys())
        paths = {row: videos[row].path for row in missing}
        with contextlib.closing(pool.clips(paths, sampling, workers)) as results:
            passing = write_clips(partial, log, shape, _without_remarks(results, remarks := {}), progress)
    for text, rows in remarks.items():
        more = f" and {len(rows) - 1} more" if len(rows) > 1 else ""
        warn(f"note: {videos[min(rows)].path}{more}: {text}")
    if len(passing) > max(FEW, FEW_SHARE * len(paths)):
        row, reason = min(passing.items())
        raise UserError(
            f"{len(passing)} of {len(paths)} videos cannot be read for now, such as {videos[row].path}: {reason}; check"
            " the drive, permissions and memory and start again: what was read is kept"
        )
    return passing


def _without_remarks(results, remarks):
    """The results but for pool.Remarks, which go to `remarks`: {text: indices}."""
    for index, result in results:
        if isinstance(result, pool.Remark):
            remarks.setdefault(result.text, []).append(index)
        else:
            yield index, result


def _check_space(folder, need):
    free = shutil.disk_usage(folder).free
    if need > free:
        sizes = f"{need / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free"
        raise UserError(f"--cache: {folder}: {sizes}; make room there or give another folder")


def status(path, shape, trusted=False):
    """{index: None, or reason of the failure} of the clips in an array file that are finished and undamaged."""
    try:
        clips = np.asarray(np.load(path, mmap_mode="r"))  # np.memmap is slow to index
        known = logged(path)
    except Exception:  # absent, cut, or whatever numpy says of a damaged header
        return {}
    if clips.shape != shape or clips.dtype != np.uint8 or not clips.flags.c_contiguous:
        return {}
    return {
        i: known[i][1] for i in range(len(clips)) if i in known and (trusted or zlib.crc32(clips[i]) == known[i][0])
    }


def logged(path):
    """{index: (checksum, None or reason of the failure)} as the log tells."""
    found = {}
    for line in path.with_suffix(".log").read_text(errors="replace").splitlines():
        # a line that was being written when the run was killed, or that another hand wrote
        with contextlib.suppress(ValueError, TypeError, RecursionError):
            index, checksum, reason = json.loads(line)
            found[index] = checksum, reason
    return found


def proven(path, shape):
    """`status`, without checksums, which take a second a GB, where neither file has changed since they were right."""
    proof = path.with_suffix(".proof")
    with contextlib.suppress(OSError):
        if proof.read_text(errors="replace") == _stamp(path):
            return status(path, shape, trusted=True)
    reasons = status(path, shape)
    if len(reasons) == shape[0]:
        files.write(proof, _stamp(path))
    return reasons


def _stamp(path):
    """Sizes and times of the array and its log."""
    stats = [os.stat(each) for each in (path, path.with_suffix(".log"))]
    return json.dumps([[stat.st_size, stat.st_mtime_ns, stat.st_ino] for stat in stats])


def of_shard(shard, shape, wanted):
    """(index, clip or pool.Failed) of the wanted clips that a shard has."""
    reasons = status(shard, shape)
    for row in sorted(reasons.keys() & wanted):
        yield row, pool.Failed(reasons[row]) if reasons[row] else np.load(shard, mmap_mode="r")[row]


def write_clips(partial, log, shape, results, progress):
    """Write (index, clip or pool.Failed) results to the array, and after each one a line to the log.

    Failures that may pass, which the log does not keep, are returned: {index: reason}. These are plain writes, because
    a memory-mapped one ends in SIGBUS where the disk is full.
    """
    clip_bytes = int(np.prod(shape[1:]))
    header, passing = np.load(partial, mmap_mode="r").offset, {}
    with partial.open("r+b") as array, log.open("a", buffering=1) as lines:
        lines.write("\n")  # ends a line that a kill left unfinished
        for index, result in results:
            progress.update()
            if isinstance(result, pool.Failed) and result.passing:
                passing[index] = result.reason
                continue
            reason = result.reason if isinstance(result, pool.Failed) else None
            content = bytes(clip_bytes) if reason else result.tobytes()
            array.seek(header + index * clip_bytes)
            array.write(content)
            array.flush()
            lines.write(json.dumps([index, zlib.crc32(content), reason]) + "\n")
    return passing
