"""The store where many read into it, where pictures change, and where a drive, a worker or a file goes for a while."""

import os
import signal
import threading

import numpy as np
import pytest
from helpers import SAMPLING, as_pictures, names, video

from actioncnn.data import store
from actioncnn.errors import UserError
from videoto3d import Videoto3D

pytestmark = pytest.mark.usefixtures("forked")


def shard(videos, tmp_path, number, count, **more):
    return store.extract_shard(videos, SAMPLING, (number, count), tmp_path / "cache", 1, **more)


def test_shards_of_many_machines_become_one_store(videos, tmp_path, load, decoded):
    whole = np.asarray(store.load_clips(videos, SAMPLING, tmp_path / "elsewhere", 1)[0])
    assert decoded() == names(videos)
    for number in (1, 2, 3, 3):  # the last one is done already
        had, failures = shard(videos, tmp_path, number, 4)
    assert had == 1 and failures == {}
    assert len(list((tmp_path / "cache").glob("*-shard-*.records"))) == 3
    before = len(decoded())
    array, failures = load(videos)  # the machine of the last shard was not there: one video of six is left
    assert failures == {} and len(decoded()) == before + 1
    np.testing.assert_array_equal(array, whole)
    left = {path.suffix for path in (tmp_path / "cache").glob("*-shard-*")}
    assert left <= {".lock"}
    assert shard(videos, tmp_path, 1, 4) == (2, {})


@pytest.mark.parametrize("drawn", [False, True])
def test_a_shard_tells_what_failed_and_its_damage_is_made_good(videos, tmp_path, load, decoded, drawn):
    videos[3].path.write_bytes(b"no video")
    assert list(shard(videos, tmp_path, 2, 2, drawn=drawn)[1]) == [3]
    [path] = (tmp_path / "cache").glob("*-shard-*.records")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # of the last video, which belongs to this shard
    path.write_bytes(content)
    before = len(decoded())
    array, failures = load(videos)
    assert list(failures) == [3] and not array[3].any() and len(decoded()) == before + 4
    assert list(shard(videos, tmp_path, 2, 2, drawn=False)[1]) == [3]
    expected = Videoto3D(16, 16, 4).video3d(videos[5].path)
    np.testing.assert_array_equal(array[5, ..., 0], np.moveaxis(expected, 0, 2))


def test_changed_pictures_are_noticed(videos, load, tmp_path, decoded):
    folders = [video(as_pictures(item.path, tmp_path / "pictures" / item.path.stem)) for item in videos]
    whole = np.array(load(videos)[0])
    np.testing.assert_array_equal(load(folders)[0], whole)
    frames = [folders[0].path / f"{i}.png" for i in range(12)]  # 0, 1, 3, 4, 6, 7, 9 and 10 are read
    before = len(decoded())
    frames[5].write_bytes(frames[3].read_bytes())
    assert len(decoded()) == before and np.array_equal(load(folders)[0], whole)
    frames[3].write_bytes(frames[5].read_bytes() + b" ")
    frames[3].write_bytes(frames[4].read_bytes())
    np.testing.assert_array_equal(load(folders)[0][0, :, :, 1], load(videos, depth=12)[0][0, :, :, 4])
    frames[11].unlink()  # now 0, 2, 5 and 8 are the wanted
    np.testing.assert_array_equal(load(folders)[0][0, :, :, 3], load(videos, depth=12)[0][0, :, :, 8])


def test_what_is_odd_about_pictures_is_told_once(videos, load, tmp_path, capfd):
    folders = [video(as_pictures(item.path, tmp_path / "pictures" / item.path.stem)) for item in videos]
    for item in folders[:2]:
        (item.path / "5.png").unlink()
    _, failures = load(folders)
    told = [line for line in capfd.readouterr().err.splitlines() if "note" in line]
    assert len(told) == 1 and f"{folders[0].path} and 1 more: the numbers of its pictures have gaps" in told[0]
    assert failures == {}
    load(folders)
    assert capfd.readouterr().err == ""


def hide(item):
    return item.path.rename(item.path.with_suffix(".hidden"))


def test_a_failure_that_passes_is_tried_again(videos, load, decoded, tmp_path):
    hidden = hide(videos[2])
    array, failures = load(videos)  # the drive went after the files were listed
    assert failures == {2: "no such file"} and array[3].any() and not array[2].any()
    assert store.load_clips(videos, SAMPLING, tmp_path / "cache")[0].checksums[2] is None
    hidden.rename(videos[2].path)
    before = len(decoded())
    array, failures = load(videos)
    assert failures == {} and array[2].any() and len(decoded()) == before + 1
    assert load(videos)[1] == {} and len(decoded()) == before + 1


def test_a_drive_that_has_gone_ends_the_run_and_costs_nothing(videos, load, decoded):
    hidden = [hide(item) for item in videos[1:5]]
    with pytest.raises(UserError, match="4 of 6 videos cannot be read for now, such as .*1.avi: no such file; check"):
        load(videos, workers=1)
    for path in hidden:
        path.rename(path.with_suffix(".avi"))
    before = len(decoded())
    assert load(videos)[1] == {} and len(decoded()) == before + 4


def kill(path, sampling):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_the_system_kills_is_no_verdict_on_the_video(videos, load, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("actioncnn.video.decode.read_clip", kill)
        with pytest.raises(UserError, match="6 of 6 .* the system killed its process, maybe for want of memory; check"):
            load(videos)
    assert load(videos)[1] == {}


def test_threads_of_one_process_share_the_work(videos, load, decoded):
    arrays = []
    threads = [threading.Thread(target=lambda: arrays.append(load(videos)[0])) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(*arrays)
    assert decoded() == names(videos)


def test_full_disk_is_noticed_before_anything_is_decoded(videos, load, decoded, monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 1000}))
    with pytest.raises(UserError, match="--cache: .*cache: 0.00 GB needed, 0.00 GB free; make room"):
        load(videos)
    assert decoded() == []
