"""The store of decoded clips: each video is read once, and all scripts take its clips from here.

For each way of sampling the folder of --cache has a file of records, all of one size, and an index of them:

    store-32x32x10x1-of20-even-3-5.0.0.0.records   clips, one behind the other: uint8 (H, W, T, C)
    ....0.index     a line for each record: its row, its checksum, that of all frames that were read, why the video gave
                    none, if so, and which video it is: size, time, path; each line begins with its own checksum
    ....0.checked   which records had the right checksum; valid while size and time of the other two stay the same
    ....lock        is held by a process that writes; readers need none

Order of writes. A record is written behind all others, never over one, because a running training may have these
mapped; then its line is appended to the index. A process that is killed before its line is whole leaves a record that
nobody knows, and the next run reads this one video again. A damaged record does not have its checksum: it is read
again and appended. Checksums take a second a GB, so `checked` remembers them.

To drop records, and where the file of records was cut, a process writes the good ones to files with the next number:
first the records, then, by renaming, the index. The index with the highest number counts, so a kill leaves the old
store or the new one. The next process that writes removes the other. A training that has the old file mapped keeps it.

A shard, what one of several machines has read, is a store of its own; the next run appends it to the common one.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import zlib
from pathlib import Path
from stat import S_ISDIR, S_ISLNK
from typing import NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from actioncnn import files
from actioncnn.cli import bar, warn
from actioncnn.errors import UserError
from actioncnn.video import frame_folder, pool, segment

VERSION = 3  # of the clips' content: raise it when decoding, resizing or the order of the axes changes
FEW, FEW_SHARE = 3, 0.01  # videos that may fail for reasons that pass; with more the drive may have gone
ENDINGS = "records", "index", "checked"
STEM = re.compile(r"store-[1-9]\d*(x[1-9]\d*){3}-")  # how the names of a store's files begin


def default_cache():
    """The folder for caches: actioncnn in $XDG_CACHE_HOME, else in ~/.cache."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "actioncnn"
    except RuntimeError:
        raise UserError("--cache: you have no home directory for it; give a folder") from None


def load_clips(videos, sampling, cache_dir=None, workers=None, drawn=False):
    """The Clips of videos, (N, H, W, T, C), and {index: reason} of the videos that gave none (their clips are zeros).

    T: the frames that a network takes, for a 2D network 1; with `drawn` those of sampling.doubled(), of which training
    draws. Videos that the store lacks are read by so many processes as `workers` says, by default one for each CPU.
    UserError: no frame in any video, the store cannot be written, the disk is full.
    """
    with _usable(cache_dir) as folder:
        keys, store, wide = keys_of(videos, sampling), store_of(folder, sampling, drawn), None
        wanted = dict(zip(keys, videos, strict=True))  # two videos may be one file
        entries = store.look_up(wanted)
        if len(entries) < len(wanted):
            store.take_shards()
            if not drawn and sampling.has_between:
                wide = store_of(folder, sampling, drawn=True)
                wide.take_shards()
                of_wide = wide.look_up(wanted)
                if len(of_wide) == len(wanted):
                    clips, failures = _clips(wide.records, of_wide, keys, videos)
                    return sampling.single(clips), failures
            passing = _complete(store, wanted, sampling, drawn, workers, wide)
            entries = store.look_up(wanted) | passing
            if len(entries) < len(wanted):
                missing = f"{len(wanted) - len(entries)} clips are not as they were written"
                raise UserError(f"--cache: {store.path('records')}: {missing}; check its disk, delete it, start again")
        return _clips(store.records, entries, keys, videos)


def _clips(records, entries, keys, videos):
    rows, _, checksums, reasons = zip(*(entries[key] for key in keys), strict=True)
    failures = {index: reason for index, reason in enumerate(reasons) if reason}
    if len(failures) == len(videos):
        raise UserError(f"none of {len(videos)} videos gives a frame; the first, {videos[0].path}: {failures[0]}")
    return Clips(records, np.array(rows), checksums), failures


def extract_shard(videos, sampling, shard, cache_dir=None, workers=None, drawn=True):
    """Reads the clips of the i-th of n shards of the videos, shard = (i, n) with i from 1, for load_clips to take over.

    Returns the number of clips that were stored already, and {index: reason} of the shard's videos that gave none.
    UserError: as load_clips, but videos may all fail.
    """
    number, count = shard
    rows = range(number - 1, len(videos), count)
    with _usable(cache_dir) as folder:
        keys, store = keys_of([videos[row] for row in rows], sampling), store_of(folder, sampling, drawn)
        entries = store.look_up(keys)
        if count > 1:
            store = Store(folder, f"{store.stem}-shard-{number}-of-{count}")
            entries |= store.look_up(keys)
        had = sum(key in entries for key in keys)
        lacking = {key: videos[row] for key, row in zip(keys, rows, strict=True) if key not in entries}
        entries |= _complete(store, lacking, sampling, drawn, workers)
        entries |= store.look_up(lacking)
        reasons = {row: entries[key][-1] for key, row in zip(keys, rows, strict=True) if key in entries}
        return had, {row: reason for row, reason in reasons.items() if reason}


class Use(NamedTuple):
    """What a store takes."""

    name: str  # of its files, without their endings
    shape: tuple  # of a clip: H, W, T, C
    videos: int
    size: int  # bytes
    dropped: int  # records that have gone with `tidy`


def tidy(cache_dir=None):
    """Drops all records but the last one of each video that is still there. A list of Use, one for each store."""
    with _usable(cache_dir) as folder:
        stems = sorted({path.name.rsplit(".", 2)[0] for path in folder.glob("store-*.index")})
        return [_tidy(Store(folder, stem)) for stem in stems if STEM.match(stem)]


def _tidy(store):
    with store.locked():
        newest = {path_of(key): key for key in store.entries}
        kept = {key: store.entries[key] for path, key in newest.items() if segment.source(path).exists()}
        dropped = len(store.records) - len(kept)
        if dropped:
            store.rewrite(kept)
    size = sum(store.path(ending).stat().st_size for ending in ("records", "index"))
    return Use(store.stem, store.shape, len(kept), size, dropped)


class Records:
    """A file of records of one shape, uint8 (N, H, W, T, C), read-only.

    It is read, not mapped: where a mapped file is cut, reading it ends the process without a word.
    """

    def __init__(self, shape, file=None):
        self.file = None
        self.file = file and open(file, "rb", buffering=0)  # noqa: SIM115 - closed below
        self.size = int(np.prod(shape))  # bytes of a record
        count = os.fstat(self.file.fileno()).st_size // self.size if file else 0
        self.shape = (count, *shape)

    def __del__(self):
        if self.file:
            self.file.close()

    def __len__(self):
        return self.shape[0]

    def __getitem__(self, row):
        """A record, uint8 (H, W, T, C)."""
        return np.frombuffer(self.bytes_of(row), np.uint8).reshape(self.shape[1:])

    def bytes_of(self, row):
        """UserError: the file was cut meanwhile."""
        content = os.pread(self.file.fileno(), self.size, int(row) * self.size)
        if len(content) < self.size:
            raise self.cut()
        return content

    def cut(self):
        remedy = "start again, a training with --resume True"
        return UserError(f"--cache: {self.file.name} was cut while it was in use; {remedy}")

    def check_whole(self):
        """UserError: the file was cut."""
        if self.file and os.fstat(self.file.fileno()).st_size < len(self) * self.size:
            raise self.cut()

    def mapped(self):
        """All of them, memory-mapped."""
        self.check_whole()
        return np.memmap(self.file, np.uint8, "r", shape=self.shape) if len(self) else np.zeros(self.shape, np.uint8)


class Clips:
    """Clips of videos, in their order: uint8 (N, H, W, T, C), read-only. Rows of Records.

    They are read where they are indexed: clips[rows] is an array, clips[..., frames, :] are Clips of some frames.
    checksums: CRC-32 of all frames that were read of each video, None where a failure may pass. frames: the keys of
    those that were chosen, one after the other.
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, records, rows, checksums=(), frames=()):
        self.records, self.rows, self.checksums, self.frames = records, rows, checksums, frames
        self.shape = (len(rows), *self.chosen(np.zeros(records.shape[1:], np.uint8)).shape)
        self.ndim, self.nbytes = len(self.shape), int(np.prod(self.shape))

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, key):
        if isinstance(key, tuple) and key[0] is Ellipsis:
            return Clips(self.records, self.rows, self.checksums, (*self.frames, key))
        rows = self.rows[key]
        if not np.ndim(rows):
            return self.chosen(self.records[rows])
        clips = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for clip, row in zip(clips, rows, strict=True):
            clip[:] = self.chosen(self.records[row])
        return clips

    def chosen(self, clips):
        for key in self.frames:
            clips = clips[key]
        return clips

    def __array__(self, dtype=None, copy=None):
        """All of them; where they follow each other in the file nothing is copied, and a cut of it is not noticed."""
        first, records = self.rows[0], self.chosen(self.records.mapped())
        follow = np.array_equal(self.rows, np.arange(first, first + len(self)))
        return np.asarray(records[first : first + len(self)] if follow else self[:], dtype)


def check_whole(clips):
    """UserError: the file of Clips was cut meanwhile. Arrays are whole."""
    if isinstance(clips, Clips):
        clips.records.check_whole()


class Store:
    """The records of a way of sampling, as they are when this object is made, and after each `open`.

    entries: {key of a video: (row of its record, CRC-32 of it, CRC-32 of all frames that were read, None or the reason
    why the video gave none)}. Plain tuples of plain values cost Python's garbage collector nothing.
    """

    def __init__(self, folder, stem):
        self.folder, self.stem = folder, stem
        self.shape = tuple(map(int, stem.split("-")[1].split("x")))  # of a record: H, W, T, C
        self.size = int(np.prod(self.shape))  # bytes
        self.open()

    def path(self, ending, number=None):
        return self.folder / f"{self.stem}.{self.number if number is None else number}.{ending}"

    def numbers(self, ending="index"):
        """Numbers of the files of this store with an ending."""
        names = (path.name.removesuffix(f".{ending}") for path in self.folder.glob(f"{self.stem}.*.{ending}"))
        numbers = (name.removeprefix(f"{self.stem}.") for name in names)
        return [int(number) for number in numbers if number.isdecimal()]

    def open(self):
        """Takes the files as they are now."""
        self.number = max(self.numbers(), default=0)
        self.entries, self.stamp, self.checked = {}, None, bytearray()
        self.cut = self.path("index").exists()  # records that it names are not there
        self.records = Records(self.shape)
        with contextlib.suppress(FileNotFoundError), self.path("index").open("rb") as index:
            self.records = Records(self.shape, self.path("records"))
            entries, count = parse(index.read()), len(self.records)
            statuses = [os.fstat(file.fileno()) for file in (self.records.file, index)]
            self.stamp = json.dumps([[each.st_size, each.st_mtime_ns, each.st_ino] for each in statuses]).encode()
            self.entries = {key: entry for key, entry in entries.items() if 0 <= entry[0] < count}
            self.cut = len(self.entries) < len(entries)
            self.checked = self.read_checked() or bytearray(count)

    def read_checked(self):
        """A byte for each record, 1: its checksum was right; None where the files have changed since."""
        with contextlib.suppress(FileNotFoundError):
            content = self.path("checked").read_bytes()
            stamp, _, checked = content[8:].partition(b"\n")
            if content[:8] == checksum_of(content[8:]) and stamp == self.stamp and len(checked) == len(self.records):
                return bytearray(checked)
        return None

    def look_up(self, keys):
        """{key: entry} of those keys whose records are there as they were written."""
        entries = {key: self.entries[key] for key in keys if key in self.entries}
        unchecked = [key for key, entry in entries.items() if not self.checked[entry[0]]]
        for key in unchecked:
            row, checksum, *_ = entries[key]
            self.checked[row] = zlib.crc32(self.records.bytes_of(row)) == checksum
            if not self.checked[row]:
                del entries[key]
        if unchecked:
            content = self.stamp + b"\n" + self.checked
            with contextlib.suppress(UserError):  # they are checked again, then
                files.write(self.path("checked"), checksum_of(content) + content)
        return entries

    @contextlib.contextmanager
    def locked(self):
        """The lock, for a `with` block that writes. The store is opened anew, and once more at the end of the block."""
        with _locked(self.folder / f"{self.stem}.lock"):
            self.open()
            self.remove_others()
            if self.cut:
                self.rewrite(self.entries)
            yield
            checked = self.checked
            self.open()
            self.checked[: len(checked)] = checked  # nothing writes over a record

    def append(self, results):
        """Appends records: (place, key, bytes, CRC-32 of all frames that were read, None or the reason of a failure).

        Within `locked`. They come in any order; `place` counts the rows behind the present ones. Returns {key: entry}
        of failures that may pass, which have no CRC-32 and which the index does not keep. These are plain writes,
        because a memory-mapped one ends in SIGBUS where the disk is full.
        """
        self.path("records").touch()
        first, passing = self.path("records").stat().st_size // self.size, {}
        with self.path("records").open("r+b") as records, self.path("index").open("ab", buffering=0) as index:
            index.write(b"\n")  # ends a line that a kill left unfinished
            for place, key, record, of_read, reason in results:
                entry = first + place, zlib.crc32(record), of_read, reason
                records.seek(entry[0] * self.size)
                records.write(record)
                records.flush()
                if of_read is None:
                    passing[key] = entry
                else:
                    index.write(line_of(key, entry))
        return passing

    def rewrite(self, entries):
        """Makes files of the next number that hold the records of {key: entry} alone. Within `locked`."""
        kept = sorted(entries.items(), key=lambda item: item[1])
        with self.path("records", self.number + 1).open("wb") as records:
            for _, (row, *_) in kept:
                records.write(self.records.bytes_of(row))
        lines = (line_of(key, (row, *entry[1:])) for row, (key, entry) in enumerate(kept))
        files.write(self.path("index", self.number + 1), b"".join(lines))  # from here on these count
        self.open()
        self.remove_others()

    def remove_others(self):
        """Removes what a `rewrite` replaced, or did not finish."""
        for ending in ENDINGS:
            for number in self.numbers(ending):
                if number != self.number:
                    self.path(ending, number).unlink()

    def remove(self):
        """Removes the files, the index last."""
        for ending in ("checked", "records", "index"):
            self.path(ending).unlink(missing_ok=True)

    def take_shards(self):
        """Appends the records of this store's shards, and removes these; waits for a machine that still reads one."""
        for path in sorted(self.folder.glob(f"{self.stem}-shard-*.index")):
            with self.locked(), (shard := Store(self.folder, path.name.rsplit(".", 2)[0])).locked():
                new = shard.look_up(shard.entries.keys() - self.look_up(shard.entries).keys())
                _check_space(self.folder, len(new) * self.size)
                records = ((key, shard.records.bytes_of(row), *of_read) for key, (row, _, *of_read) in new.items())
                self.append((place, *record) for place, record in enumerate(records))
                shard.remove()


def store_of(folder, sampling, drawn):
    """The Store of the frames that a network with this Sampling takes; with `drawn` of all that are read."""
    import cv2

    stored = sampling.doubled() if drawn else sampling
    shape = stored.height, stored.width, stored.depth or 1, 3 if stored.color else 1
    places = f"of{sampling.doubled().frames}-{'even' if sampling.skip else 'first'}"
    return Store(folder, f"store-{'x'.join(map(str, shape))}-{places}-{VERSION}-{cv2.__version__}")


def checksum_of(content):
    """CRC-32 as 8 hexadecimal digits."""
    return b"%08x" % zlib.crc32(content)


def line_of(key, entry):
    """A line of the index."""
    *numbers, reason = entry
    content = f"{' '.join(map(str, numbers))} {json.dumps(reason) if reason else ''}\t".encode() + key
    return checksum_of(content) + b" " + content + b"\n"


def parse(content):
    """{key: entry} of the lines of an index that have their checksum; of two with a key or a row the later one."""
    entries = {}
    for line in content.split(b"\n"):
        checksum, _, line = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(line):
            continue
        try:
            numbers, _, key = line.partition(b"\t")
            row, checksum, of_read, reason = numbers.split(b" ", 3)
            entries[key] = int(row), int(checksum), int(of_read), json.loads(reason) if reason else None
        except (ValueError, RecursionError):
            pass  # of another hand
    last = {entry[0]: key for key, entry in entries.items()}
    return entries if len(last) == len(entries) else {key: entries[key] for key in last.values()}


def keys_of(videos, sampling):
    """What tells each video and its present content from others: size, time and path of its file, as bytes."""
    real_folder = functools.lru_cache(1024)(os.path.realpath)  # slow: once for all its files
    places = sampling.doubled().places
    return [_key(str(video.path), places, real_folder) for video in videos]


def _key(path, places, real_folder):
    try:
        status = os.lstat(path)
        if S_ISLNK(status.st_mode):
            status, real = os.stat(path), os.path.realpath(path)
        else:
            folder, slash, name = path.rpartition(os.sep)  # os.path.split is slow
            real = f"{real_folder(folder + slash)}{os.sep}{name}"
        about = f"{status.st_size}\t{status.st_mtime_ns}"
        if S_ISDIR(status.st_mode):
            about = hashlib.sha256(json.dumps(frame_folder.fingerprint(path, places)).encode()).hexdigest() + "\t"
    except OSError:
        if part := segment.part_of(path):  # of a folder of pictures any may be wanted
            return _key(str(part.path), range, real_folder) + path[path.rindex("#") :].encode()
        about, real = "\t", path  # it has gone; reported when it is read
    return f"{about}\t{real}".replace("\n", "\0").encode("utf-8", "surrogateescape")  # a line; no path holds a zero


def path_of(key):
    """The path in a key."""
    return key.split(b"\t", 2)[-1].decode("utf-8", "surrogateescape").replace("\0", "\n")


@contextlib.contextmanager
def _usable(cache_dir):
    """The folder of the stores, which exists; trouble with its files is one line."""
    folder = Path(cache_dir or default_cache())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
    except BrokenPipeError:  # it is the terminal that has gone
        raise
    except IsADirectoryError as error:
        raise UserError(f"--cache: {error.filename}: is a directory; move it away") from error
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"--cache: {folder}: {reason}; make room there or give another folder") from error


def _locked(path):
    """A held lock, to be used in `with`; it falls with the process that holds it."""
    lock = FileLock(path)
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        warn("another run is reading videos into this cache; waiting for it")
        return lock.acquire(poll_interval=0.2)


def _complete(store, wanted, sampling, drawn, workers, wide=None):
    """Appends what a store lacks of the clips of {key: Video}: they come from the store of all frames, or are read.

    Returns {key: entry} of failures that may pass: the next run tries these videos again.
    """
    with store.locked():
        there = store.look_up(wanted)
        missing = {key: video.path for key, video in wanted.items() if key not in there}
        if not missing:
            return {}  # another run has read them
        _check_space(store.folder, len(missing) * store.size)
        with (
            bar(desc="reading videos", unit="video", total=len(wanted), initial=len(there)) as progress,
            contextlib.closing(_records(missing, sampling, drawn, workers, wide, progress)) as records,
        ):
            passing = store.append(records)
    if len(passing) > max(FEW, FEW_SHARE * len(missing)):
        key, (*_, reason) = next(iter(passing.items()))
        raise UserError(
            f"{len(passing)} of {len(missing)} videos cannot be read for now, such as {missing[key]}: {reason};"
            " check the drive, permissions and memory and start again: what was read is kept"
        )
    return passing


def _records(paths, sampling, drawn, workers, wide, progress):
    """What Store.append takes, of videos {key: path}. Remarks on videos are printed at the end, each once."""
    places, remarks = {key: place for place, key in enumerate(paths)}, {}
    of_wide = wide.look_up(paths) if wide else {}
    for key, (row, _, *of_read) in of_wide.items():
        progress.update()
        yield places[key], key, sampling.single(wide.records[row]).tobytes(), *of_read
    read = sampling.doubled()
    nothing = np.zeros((read.height, read.width, read.frames, 3 if read.color else 1), np.uint8)
    for key, result in pool.clips({key: paths[key] for key in paths if key not in of_wide}, read, workers):
        if isinstance(result, pool.Remark):
            remarks.setdefault(result.text, []).append(paths[key])
            continue
        progress.update()
        failed = isinstance(result, pool.Failed)
        clip = nothing if failed else result
        record = (clip if drawn else sampling.single(clip)).tobytes()
        of_read = None if failed and result.passing else zlib.crc32(clip)
        yield places[key], key, record, of_read, result.reason if failed else None
    for text, of_text in remarks.items():
        more = f" and {len(of_text) - 1} more" if len(of_text) > 1 else ""
        warn(f"note: {min(of_text)}{more}: {text}")


def _check_space(folder, need):
    free = shutil.disk_usage(folder).free
    if need > free:
        sizes = f"{need / 1e9:.2f} GB needed, {free / 1e9:.2f} GB free"
        raise UserError(f"--cache: {folder}: {sizes}; make room there or give another folder")
