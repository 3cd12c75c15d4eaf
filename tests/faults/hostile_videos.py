"""Videos of 1 to 300 KB that ask for gigabytes: tables of samples that are not there, and frames that grow."""

import struct
import zlib
from fractions import Fraction

import av
import numpy as np

SIDE = 16_000  # pixels, of a frame that follows smaller ones
MATRIX = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def box(kind, *content):
    """A box of an MP4 file (ISO 14496-12)."""
    return struct.pack(">I4s", 8 + sum(map(len, content)), kind) + b"".join(content)


def full(kind, *numbers):
    """A box with version, flags and numbers of 32 bits; bytes among them are taken as they are."""
    return box(kind, bytes(4), *(each if isinstance(each, bytes) else struct.pack(">I", each) for each in numbers))


def track(number, samples, size=1):
    """A track of MPEG-4 video whose table says that it has so many samples of `size` bytes."""
    header = (
        struct.pack(">6I", 7, 0, 0, number, 0, samples) + bytes(16) + MATRIX + struct.pack(">II", 64 << 16, 64 << 16)
    )
    shape = struct.pack(">HHIIIH", 64, 64, 72 << 16, 72 << 16, 0, 1)
    entry = box(b"mp4v", bytes(6), b"\0\1", bytes(16), shape, bytes(32), struct.pack(">Hh", 24, -1))
    tables = full(b"stsd", 1, entry), full(b"stts", 1, samples, 1), full(b"stsc", 1, 1, samples, 1)
    tables = box(b"stbl", *tables, full(b"stsz", size, samples), full(b"stco", 1, 40))
    places = box(b"dinf", full(b"dref", 1, full(b"url ")))
    media = full(b"mdhd", 0, 0, 10, samples, 0), full(b"hdlr", 0, b"vide", bytes(13))
    return box(b"trak", box(b"tkhd", header), box(b"mdia", *media, box(b"minf", full(b"vmhd", 0, 0), places, tables)))


def movie(tracks, *more):
    header = full(b"mvhd", 0, 0, 10, 0, 1 << 16, 1 << 24, bytes(8), MATRIX, bytes(24), len(tracks) + 1)
    return box(b"ftyp", b"isom", bytes(4), b"isom") + box(b"mdat", bytes(64)) + box(b"moov", header, *tracks, *more)


def fragments(samples, count):
    """A file whose samples are told in `count` runs of so many each."""
    start = movie([track(1, 0, 0)], box(b"mvex", full(b"trex", 1, 1, 1, 1, 0)))
    runs = [full(b"trun", samples)] * count
    return start + box(b"moof", full(b"mfhd", 1), box(b"traf", full(b"tfhd", 1), *runs)) + box(b"mdat", bytes(64))


def chunk(kind, content):
    """A chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def picture(side):
    """A gray PNG of so many pixels a side."""
    packer = zlib.compressobj(1)
    rows = b"".join([packer.compress(bytes(side + 1)) for _ in range(side)]) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def growing_pictures(path):
    """Eight frames as PNG, of which the sixth is large."""
    small, large = picture(64), picture(SIDE)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "gray"
        for number in range(8):
            mux(container, stream, large if number == 5 else small, number)


def growing_vp9(path):
    """Eight frames of VP9, in whose sixth the header says that they are large from now on."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=10, options={"g": "1", "lag-in-frames": "0"})
        stream.width = stream.height = 64
        for number in range(8):
            frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 30 * number, np.uint8), format="rgb24")
            for packet in stream.encode(frame):
                content = bytes(packet)
                mux(container, stream, with_size(content, SIDE) if number == 5 else content, number)


def mux(container, stream, content, number):
    """Writes the bytes of a frame as they are; frame `number` of ten a second."""
    packet = av.Packet(content)
    packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 10), True
    packet.pts = packet.dts = number
    container.mux(packet)


def with_size(content, side):
    """A key frame of VP9, profile 0, with other sides: 16 bits each behind the 36 bits of mark, kind and colours."""
    bits = int.from_bytes(content, "big")
    shift = 8 * len(content) - 36 - 32
    kept = bits & ~(0xFFFFFFFF << shift)
    return (kept | ((side - 1) << 16 | (side - 1)) << shift).to_bytes(len(content), "big")


KINDS = {  # {name: function of a path, or content}
    "a track of 20 million samples.mp4": movie([track(1, 20_000_000)]),
    "three tracks of 20 million samples.mp4": movie([track(number, 20_000_000) for number in (1, 2, 3)]),
    "nine tracks of 9 million samples.mp4": movie([track(number, 9_000_000) for number in range(1, 10)]),
    "200 million samples.mp4": movie([track(1, 200_000_000)]),
    "samples of no size.mp4": movie([track(1, 20_000_000, 0)]),
    "40 million samples in a fragment.mp4": fragments(40_000_000, 1),
    "180 million samples in fragments.mp4": fragments(9_000_000, 20),
    "growing pictures.mov": growing_pictures,
    "growing pictures.avi": growing_pictures,
    "growing VP9.webm": growing_vp9,
}


def write(name, folder):
    """Writes a hostile video -> its path."""
    path, content = folder / name, KINDS[name]
    content(path) if callable(content) else path.write_bytes(content)
    return path
