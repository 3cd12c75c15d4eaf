"""What OpenCV does not read is read all the same: interlaced frames, AV1, names that are not UTF-8, odd files."""

import os
import socket

import av
import numpy as np
import pytest
from helpers import write_blocks, write_video

from actioncnn.errors import NoFrameError
from actioncnn.video import second
from actioncnn.video.decode import open_sure, open_video, read_frames
from actioncnn.video.windows import timed

INTERLACED_DCT, INTERLACED_MOTION = 0x40000, 0x20000000  # flags of FFmpeg's encoders
INTERLACED = {
    "h264.mp4": ("libx264", {"x264-params": "interlaced=1:tff=1"}),
    "mpeg2.mpg": ("mpeg2video", {"b": "8M"}),
    "mpeg4.avi": ("mpeg4", {"b": "8M"}),
}


def moving(count=24):
    """Frames (T, H, W, 3): blocks of colour that move to the right."""
    blocks = np.random.default_rng(0).integers(0, 256, (6, 8, 3)).astype(np.uint8).repeat(16, 0).repeat(16, 1)
    return np.stack([np.roll(blocks, 4 * index, 1) for index in range(count)])


def encode(path, frames, codec, options, flags=0):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        stream.codec_context.flags |= flags
        pictures = (av.VideoFrame.from_ndarray(frame, format="rgb24") for frame in frames)
        for picture in [*pictures, None]:
            container.mux(stream.encode(picture))


def read_by_pyav(path, places):
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return np.stack([frames[place] for place in places])


@pytest.fixture(params=INTERLACED)
def interlaced(request, tmp_path):
    path = tmp_path / request.param
    encode(path, moving(), *INTERLACED[request.param], INTERLACED_DCT | INTERLACED_MOTION)
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    return path


@pytest.mark.parametrize("depth", [1, 8])
def test_interlaced_frames_are_read(interlaced, depth):
    frames = read_frames(interlaced, 128, 96, depth, color=True)
    expected = read_by_pyav(interlaced, [index * 24 // depth for index in range(depth)])
    assert np.abs(frames.astype(int) - expected).mean() < 2
    assert np.abs(frames[-1].astype(int) - moving()[(depth - 1) * 24 // depth]).mean() < 25  # and are the right ones


def test_windows_over_interlaced_frames(interlaced):
    images = [(now, retrieve()[1]) for now, _, retrieve in timed(interlaced)]
    assert len(images) == 24 and images[12][0] == pytest.approx(12 / 25, abs=0.01)
    assert np.abs(images[12][1][..., ::-1].astype(int) - moving()[12]).mean() < 25


def test_a_still_video_is_left_to_opencv(tmp_path):
    path = tmp_path / "still.avi"
    write_video(path, np.full((20, 48, 64), 90, np.uint8))
    capture = open_video(path)
    capture.grab()
    assert type(open_sure(path)) is type(capture)
    assert np.array_equal(read_frames(path, 64, 48, 4, color=True)[3], capture.retrieve()[1][..., ::-1])


def test_av1(tmp_path):
    encode(tmp_path / "new.mp4", moving(), "libsvtav1", {"crf": "20", "preset": "12"})
    frames = read_frames(tmp_path / "new.mp4", 128, 96, 6, color=True)
    assert np.abs(frames.astype(int) - moving()[::4]).mean() < 25


@pytest.mark.parametrize(
    "name", [b"\xff\xe9t\xe9.avi", "a:b.avi", "tcp:127.0.0.1:9.avi", "file:x.avi", "%03d.avi", "\n.avi"]
)
def test_any_name(tmp_path, name, monkeypatch):
    write_blocks(tmp_path / "plain.avi")
    name = os.fsdecode(name)
    os.rename(tmp_path / "plain.avi", tmp_path / name)
    expected = read_by_pyav_of(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for path in (name, tmp_path / name):
        frames = read_frames(path, 64, 48, 4, color=True)
        assert np.abs(frames.astype(int) - expected).mean() < 2


def read_by_pyav_of(path):
    capture = second.Capture(path)
    frames = [capture.retrieve()[1][..., ::-1] for _ in iter(capture.grab, False)]
    capture.release()
    return np.stack(frames)[[0, 3, 6, 9]]


def test_a_damaged_packet_costs_its_frame_only(tmp_path):
    path = tmp_path / "damaged.avi"
    write_blocks(path, frames=30)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 40] = bytes(40)
    path.write_bytes(content)
    capture, seen = second.Capture(path), 0
    for _ in range(60):
        seen += capture.grab()
    assert seen >= 28


def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.avi")
    for name, reason in {"pipe.avi": "is not a file", "absent.avi": "no such file"}.items():
        with pytest.raises(NoFrameError, match=reason):
            read_frames(tmp_path / name, 8, 8, 2)


def test_a_playlist_is_no_way_to_the_network(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.5)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.ts"
        (tmp_path / "list.avi").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n")
        with pytest.raises(NoFrameError):
            read_frames(tmp_path / "list.avi", 8, 8, 2)
        with pytest.raises(TimeoutError):
            server.accept()


def test_huge_frames_are_refused(tmp_path, monkeypatch):
    write_blocks(tmp_path / "v.avi")
    monkeypatch.setattr("actioncnn.video.decode.MAX_PIXELS", 1000)
    with pytest.raises(NoFrameError, match="64 x 48 pixels are too large"):
        read_frames(tmp_path / "v.avi", 8, 8, 2)


@pytest.mark.parametrize("lines", [1, 20])
def test_text_is_no_video(tmp_path, lines):
    """FFmpeg takes the longer one for some format and says `End of file`, which is no OSError."""
    (tmp_path / "a.csv").write_text("file,label,group\n" + "all/Growg01.avi,Grow,g01\n" * lines)
    with pytest.raises(NoFrameError, match="^cannot be opened as a video"):
        open_video(tmp_path / "a.csv")


def test_an_encrypted_video_is_no_video(tmp_path):
    """Its packets are marked; the same frames without encryption are read."""
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6" * 8, "encryption_kid": "a7e6" * 8}
    for name, options in (("plain.mp4", {}), ("encrypted.mp4", key)):
        with av.open(str(tmp_path / name), "w", options=options) as container:
            stream = container.add_stream("mpeg4", rate=10)
            stream.width = stream.height = 64
            for shade in range(8):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * shade, np.uint8), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
    assert len(read_frames(tmp_path / "plain.mp4", 16, 16, 4)) == 4
    with pytest.raises(NoFrameError, match="encrypted"):
        read_frames(tmp_path / "encrypted.mp4", 16, 16, 4)
