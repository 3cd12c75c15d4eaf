"""An array of clips on disk and its log: which of the clips are finished and undamaged, and how one is added.

.npy, or .partial while it grows, is the array; .log has a line per finished video: its index, the checksum of its clip,
and why it failed, if so; .proof says of which state of these two all checksums were right.
"""

import contextlib
import json
import os
import zlib

import numpy as np

from actioncnn import files
from actioncnn.video import pool


def status(path, shape, trusted=False):
    """{index: None, or reason of the failure} of the clips in an array file that are finished and undamaged."""
    try:
        clips = np.asarray(np.load(path, mmap_mode="r"))  # np.memmap is slow to index
        known = entries(path)
    except Exception:  # absent, cut, or whatever numpy says of a damaged header
        return {}
    if clips.shape != shape or clips.dtype != np.uint8 or not clips.flags.c_contiguous:
        return {}
    return {
        i: known[i][1] for i in range(len(clips)) if i in known and (trusted or zlib.crc32(clips[i]) == known[i][0])
    }


def entries(path):
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


def write(partial, log, shape, results, progress):
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
