"""Frames as pictures: the right ones in the right order, broken ones, and what is said of odd folders."""

import cv2
import numpy as np
import pytest
from PIL import Image

from actioncnn.errors import NoFrameError
from actioncnn.video import frame_folder, pool, windows
from actioncnn.video.decode import read_clip, read_frames
from actioncnn.video.sampling import Sampling

SAMPLING = Sampling(8, 4, color=False)


def write(folder, names, size=(16, 12), first=0):
    """Pictures whose gray is ten times their place in `names`."""
    folder.mkdir(exist_ok=True)
    for place, name in enumerate(names, first):
        cv2.imwrite(str(folder / name), np.full((*size[::-1], 3), 10 * place, np.uint8))
    return folder


def places(folder, depth=4, skip=True):
    return [round(frame.mean() / 10) for frame in read_frames(folder, 8, 8, depth, skip=skip)]


@pytest.mark.parametrize(
    "names",
    [
        [f"{i}.jpg" for i in range(1, 13)],
        [f"{i:05d}.PNG" for i in range(12)],
        [f"v_Bow_g01_c02_frame{i}.bmp" for i in range(95, 107)],
        [f"frame_{i}_delay-0.03s.webp" for i in range(12)],
        [f"{i // 4}-{i % 4 * 5}.jpeg" for i in range(12)],
    ],
)
def test_frames_are_in_the_order_of_their_numbers(tmp_path, names):
    folder = write(tmp_path / "v", names)
    (folder / "notes.txt").write_text("no frame")
    (folder / "._1.jpg").write_bytes(b"of another system")
    assert places(folder) == [0, 3, 6, 9] and places(folder, skip=False) == [0, 1, 2, 3]
    assert places(folder, 24) == [i // 2 for i in range(24)]
    assert frame_folder.remarks(folder, SAMPLING.places) == []


def test_color_is_rgb(tmp_path):
    (tmp_path / "v").mkdir()
    cv2.imwrite(str(tmp_path / "v" / "1.png"), np.full((4, 4, 3), (0, 0, 250), np.uint8))
    assert read_frames(tmp_path / "v", 2, 2, 1, color=True).tolist() == [[[[250, 0, 0]] * 2] * 2]


def test_only_wanted_pictures_are_read(tmp_path, monkeypatch):
    folder, seen, read = write(tmp_path / "v", [f"{i}.png" for i in range(20)]), [], frame_folder.read
    monkeypatch.setattr(frame_folder, "read", lambda path: seen.append(path.name) or read(path))
    read_frames(folder, 8, 8, 4)
    assert seen == ["0.png", "5.png", "10.png", "15.png"]


def test_a_broken_picture_costs_only_itself(tmp_path):
    folder = write(tmp_path / "v", [f"{i}.png" for i in range(12)])
    (folder / "6.png").write_bytes(b"")
    (folder / "0.png").write_bytes(b"\x89PNG broken")
    assert places(folder) == [1, 3, 5, 9]
    assert frame_folder.remarks(folder, SAMPLING.places) == [frame_folder.BROKEN]
    for path in folder.iterdir():
        path.write_bytes(b"broken")
    with pytest.raises(NoFrameError, match="none of its pictures can be read"):
        read_frames(folder, 8, 8, 4)


def test_pictures_of_different_sizes(tmp_path):
    folder = write(tmp_path / "v", [f"{i}.png" for i in range(6)])
    write(folder, [f"{i}.png" for i in range(6, 12)], size=(40, 30), first=6)
    assert places(folder) == [0, 3, 6, 9]
    assert frame_folder.remarks(folder, SAMPLING.places) == [frame_folder.SIZES]


@pytest.mark.parametrize(
    ("numbers", "gaps"), [([1, 2, 3, 7, 8], True), ([5, 10, 15, 20], False), ([2, 3], False), (["01", "1", "2"], True)]
)
def test_gaps_in_the_numbers_are_said(tmp_path, numbers, gaps):
    folder = write(tmp_path / "v", [f"{number}.png" for number in numbers])
    assert places(folder, len(numbers)) == list(range(len(numbers)))
    assert frame_folder.remarks(folder, SAMPLING.places) == [frame_folder.GAPS] * gaps


def test_of_several_series_the_frames_are_taken(tmp_path):
    folder = write(tmp_path / "v", [f"img_{i}.png" for i in range(8)])
    write(folder, [f"{kind}_{i}.png" for i in range(8) for kind in ("flow_x", "flow_y")], first=9)
    assert places(folder) == [0, 2, 4, 6]
    assert frame_folder.remarks(folder, SAMPLING.places) == ["it holds 3 series of pictures: img_#.png is taken"]


@pytest.mark.parametrize(
    ("names", "reason"), [(["a1.png", "b2.png"], "not numbered alike"), (["a.png"], "no numbered picture")]
)
def test_pictures_that_are_no_frames(tmp_path, names, reason):
    with pytest.raises(NoFrameError, match=reason):
        read_frames(write(tmp_path / "v", names), 8, 8, 4)


def animate(path, count=10):
    """An animation of `count` frames, 100 ms each, whose gray is 20 times their number."""
    animation = cv2.Animation()
    animation.frames = [np.full((16, 16, 3), 20 * i, np.uint8) for i in range(count)]
    animation.durations = np.full(count, 100)
    assert cv2.imwriteanimation(str(path), animation)
    return path


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_animations_are_videos(tmp_path, ending):
    path = animate(tmp_path / f"a.{ending}")
    assert [round(frame.mean() / 20) for frame in read_frames(path, 8, 8, 5)] == [0, 2, 4, 6, 8]
    times = [(now, gap) for now, gap, _ in windows.timed(path)]
    assert np.allclose(times, [(i / 10, 0.1) for i in range(10)])


def test_animated_webp_among_stills(tmp_path):
    animate(tmp_path / "2.webp")
    names = [path.name for path in write(tmp_path, ["1.webp", "3.webp"]).iterdir()]
    assert (
        frame_folder.animations(tmp_path, names) == ["2.webp"] and frame_folder.animations(tmp_path, ["1.webp"]) == []
    )
    content = (tmp_path / "2.webp").read_bytes()
    for length in (21, len(content) // 3):
        (tmp_path / "cut.webp").write_bytes(content[:length])
        with pytest.raises(NoFrameError):
            read_frames(tmp_path / "cut.webp", 8, 8, 4)


@pytest.mark.usefixtures("forked")
def test_windows_say_which_rate_is_assumed(tmp_path):
    folder = write(tmp_path / "v", [f"{i}.png" for i in range(25)])
    items = [item for _, item in windows.windows({0: folder}, SAMPLING, 0.4, 0.4, 1)]
    spans = [(round(item.start, 3), round(item.end, 3)) for item in items if isinstance(item, windows.Window)]
    assert spans == [(0, 0.4), (0.4, 0.8), (0.8, 1)]
    assert items[3:] == [pool.Remark("pictures tell no frame rate: 25 a second are assumed"), pool.Finished()]
    assert (items[0].clip == read_clip(write(tmp_path / "w", [f"{i}.png" for i in range(10)]), SAMPLING)).all()


@pytest.mark.parametrize("side", [13_000, 1 << 14])
def test_the_canvas_of_an_animation_is_looked_at_before_it_is_made(tmp_path, side, monkeypatch):
    path = tmp_path / "large.webp"
    pages = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    content = bytearray(path.read_bytes())
    content[24:30] = 2 * (side - 1).to_bytes(3, "little")
    path.write_bytes(content)
    monkeypatch.setattr(Image, "open", lambda *args: pytest.fail("it was opened"))
    with pytest.raises(NoFrameError, match=f"{side} x {side}"):
        frame_folder.Animation(path)


@pytest.mark.parametrize(("kind", "ending"), [(np.uint16, "png"), (np.uint16, "tiff"), (np.float32, "tif")])
def test_pictures_of_more_than_8_bits_are_scaled(tmp_path, kind, ending):
    (tmp_path / "v").mkdir()
    for number in range(4):
        cv2.imwrite(
            str(tmp_path / "v" / f"{number}.{ending}"), np.full((8, 8), 1000 * (number + 1), kind)
        )  # millimetres
    frames = read_frames(tmp_path / "v", 8, 8, 4)
    assert np.allclose(frames.mean((1, 2)), [63.75, 127.5, 191.25, 255], atol=1)
    assert frame_folder.DEEP in frame_folder.remarks(tmp_path / "v", SAMPLING.places)
