"""The demo dataset: its files, and that only motion tells the class."""

import json
import os
import subprocess
import sys
from functools import partial

import cv2
import numpy as np
import pytest
from helpers import ROOT, data_of

from actioncnn.data import demo, index, motion
from actioncnn.errors import UserError
from actioncnn.video.decode import decode, open_video, read_frames


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return demo.make_demo(tmp_path_factory.mktemp("motion"), groups=2, clips=1)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """The demo's dataset as it is: uint8 (400, 32, 32, 10, 1), classes and groups."""
    directory = tmp_path_factory.mktemp("demo")
    demo.make_demo(directory)
    videos = index.scan(directory)
    frames = np.stack([read_frames(video.path, 32, 32, 10) for video in videos]).transpose(0, 2, 3, 1)[..., None]
    names = sorted({video.name for video in videos})
    label = np.array([names.index(video.name) for video in videos])
    return frames, label, np.array([video.group for video in videos])


def test_names_and_frames(small):
    assert [path.name for path in small][:2] == ["v_Grow_g01_c01.avi", "v_Grow_g02_c01.avi"]
    assert len(small) == 16 and {video.name for video in index.scan(small[0].parent)} == set(motion.CLASSES)
    assert all(sum(1 for _ in decode(open_video(path))) == motion.FRAMES for path in small)


def test_more_classes_are_pairs_of_a_motion_and_a_shape(tmp_path):
    paths = demo.make_demo(tmp_path / "m", groups=1, clips=1, classes=10)
    names = {video.name for video in index.scan(tmp_path / "m")}
    assert names == {*(f"{move}Ellipse" for move in motion.CLASSES), "GrowRectangle", "MoveDownRectangle"}
    assert len(demo.make_demo(tmp_path / "m", groups=1, clips=1)) == 8 and not paths[0].exists()  # its own are replaced
    assert len(demo.class_names(101)) == len(set(demo.class_names(101))) == 101
    for count in (9, 104):
        assert len(demo.class_names(count)) == count
    with pytest.raises(UserError, match="--classes 105"):
        demo.class_names(105)


def test_shapes_differ_and_fit_into_their_picture():
    corners = {shape: motion.outline(np.random.default_rng(0), shape) for shape in motion.SHAPES}
    assert all(np.hypot(*each.T).max() < 0.5 / 0.46 for each in corners.values())  # the picture ends there
    masks = {}
    for shape, each in corners.items():
        masks[shape] = cv2.fillPoly(np.zeros((32, 32), np.uint8), [np.int32(each * 15 + 16)], 1).astype(bool)
    for a in masks:
        assert all((masks[a] ^ masks[b]).sum() > 0.1 * (masks[a] | masks[b]).sum() for b in masks if a != b), a


@pytest.mark.slow
def test_the_same_seed_gives_the_same_videos(small, tmp_path):
    again = demo.make_demo(tmp_path / "again", groups=1, clips=1)
    for path in again:
        assert path.read_bytes() == (small[0].parent / path.name).read_bytes()
    other = demo.make_demo(tmp_path / "other", groups=1, clips=1, seed=1)
    assert all(a.read_bytes() != b.read_bytes() for a, b in zip(again, other, strict=True))


@pytest.mark.slow
def test_a_second_call_makes_what_is_missing(tmp_path):
    paths = demo.make_demo(tmp_path / "m", groups=1, clips=1)
    kept, times = paths[0].read_bytes(), [path.stat().st_mtime_ns for path in paths]
    paths[0].unlink()
    demo.make_demo(tmp_path / "m", groups=1, clips=1)
    assert paths[0].read_bytes() == kept
    assert [path.stat().st_mtime_ns for path in paths[1:]] == times[1:]
    colored = demo.make_demo(tmp_path / "m", groups=1, clips=1, color=True)
    (frame,) = read_frames(colored[0], motion.WIDTH, motion.HEIGHT, 1, color=True)
    assert np.abs(frame[..., 0].astype(int) - frame[..., 2]).mean() > 1  # gray videos did not stay


def test_foreign_files_are_left_alone(tmp_path):
    (tmp_path / "holiday.avi").touch()
    with pytest.raises(UserError, match="motion.json"):
        demo.make_demo(tmp_path)


def test_only_its_own_videos_are_deleted(tmp_path):
    kept = tmp_path / "m" / "v_Party_g01_c01.avi"
    demo.make_demo(tmp_path / "m", groups=1, clips=1)
    kept.write_bytes(b"mine")
    paths = demo.make_demo(tmp_path / "m", groups=1, clips=1, seed=1)  # all of seed 0 are replaced
    assert kept.read_bytes() == b"mine" and len(paths) == 8
    own = kept.with_name("v_Grow_g02_c01.avi")
    own.write_bytes(b"mine too")
    with pytest.raises(UserError, match="v_Grow_g02_c01.avi: is not one of the demo's own"):
        demo.make_demo(tmp_path / "m", groups=2, clips=1, seed=1)
    assert own.read_bytes() == b"mine too"


@pytest.mark.parametrize("content", ["{", "[" * 100_000, '{"videos": [3]}', '{"videos": 3}', "[]", None])
def test_a_manifest_that_is_damaged(tmp_path, content):
    manifest = tmp_path / "motion.json"
    manifest.write_text(content) if content else os.mkfifo(manifest)
    with pytest.raises(UserError, match="motion.json: is damaged"):
        demo.make_demo(tmp_path, groups=1, clips=1)


def test_a_manifest_names_no_file_of_another_folder(tmp_path):
    (tmp_path / "m").mkdir()
    names = ["x", "v_Grow_g01_c01.avi"]
    for name in names:
        (tmp_path / name).touch()
    videos = [*(f"../{name}" for name in names), str(tmp_path / "x"), "mine", "."]
    (tmp_path / "m" / "mine").touch()
    (tmp_path / "m" / "motion.json").write_text(json.dumps({"videos": videos}))
    demo.make_demo(tmp_path / "m", groups=1, clips=1)
    assert all((tmp_path / name).exists() for name in (*names, "m/mine"))


def test_a_video_that_is_not_whole_is_told(tmp_path):
    limit = (
        "import resource, sys; sys.path.insert(0, sys.argv[1]); resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))"
    )
    make = "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); from actioncnn.data import demo; demo.main()"
    code = [sys.executable, "-c", f"{limit}; sys.argv[1:] = ['m', '--groups', '1']; {make}", str(ROOT)]
    done = subprocess.run(code, cwd=tmp_path, capture_output=True, text=True)
    assert "could not be written whole" in done.stderr and done.returncode != 0
    assert not list((tmp_path / "m").glob("*.avi"))


@pytest.mark.slow
def test_frames_at_any_time_are_alike_in_all_classes(clips):
    """Means over the clips of a class of what single frames show differ by no more than chance lets them."""
    frames, label, _ = clips
    for time in (0, 4, 9):
        pictures = frames[:, :, :, time, 0].astype(np.float32)
        edges = np.array([np.abs(cv2.Laplacian(picture, cv2.CV_32F)).mean() for picture in pictures])
        for figure in (pictures.mean((1, 2)), pictures.std((1, 2)), edges):
            means = np.array([figure[label == name].mean() for name in range(8)])
            assert means.std() < 3 * figure.std() / np.sqrt(50)


def network(shape, kind):
    """A small CNN; kind: 2 or 3 dimensions."""
    import keras
    from keras import layers

    convolution, pool = (layers.Conv2D, layers.MaxPooling2D) if kind == 2 else (layers.Conv3D, layers.MaxPooling3D)
    average = layers.GlobalAveragePooling2D if kind == 2 else layers.GlobalAveragePooling3D
    steps = [layers.Rescaling(1 / 127.5, -1)]
    for filters in (16, 32, 64):
        steps += [convolution(filters, 3, padding="same", use_bias=False), layers.BatchNormalization(momentum=0.9)]
        steps += [layers.Activation("relu"), pool(2, padding="same")]
    model = keras.Sequential([keras.Input(shape), *steps, average(), layers.Dense(8, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"], jit_compile=False)
    return model


def held_out_accuracy(inputs, label, group, kind, epochs):
    import keras

    keras.utils.set_random_seed(0)
    train = group > 7
    model = network(inputs.shape[1:], kind)
    model.fit(inputs[train], label[train], batch_size=16, epochs=epochs, verbose=0)
    return model.evaluate(inputs[~train], label[~train], verbose=0)[1]


@pytest.mark.slow
@pytest.mark.parametrize("time", [0, 5])
def test_no_single_frame_tells_the_class(clips, time):
    frames, label, group = clips
    assert held_out_accuracy(frames[:, :, :, time], label, group, 2, 15) < 0.225  # chance is .125


@pytest.mark.slow
def test_motion_tells_the_class(clips):
    """The suite's own 3D network and recipe, on the split of the demo."""
    from actioncnn import device
    from actioncnn.train import loop, networks
    from actioncnn.train.recipes import NETWORKS

    frames, label, group = clips
    data = data_of(frames, label, np.flatnonzero(group > 7), np.flatnonzero(group <= 7))
    build = partial(networks.residual, (32, 32, 10, 1), 8)
    options = {"batch": 16, "epochs": 12, "seed": 0, "device": device.setup("float32")}
    _, history = loop.fit(build, data, NETWORKS["residual"].recipe, **options)
    assert history[-1]["val_acc"] > 0.9
