"""Which model, which weights, what it wants to see."""

import json
import shutil

import pytest

from actioncnn.errors import UserError
from actioncnn.model.model import open_model
from actioncnn.runs.find import find_model
from actioncnn.video.sampling import Sampling


def test_a_run_names_its_model(trained_run):
    files = find_model(trained_run)
    assert files.model.name == "ucf101_3dcnnmodel.json" and files.weights.name == "ucf101_3dcnnmodel.hd5"
    assert files.sampling == Sampling(16, 4, False, True)
    model = open_model(files)
    assert model.classes == ["BarLeft", "BarRight"] and model.sampling == files.sampling


def test_runs_of_earlier_versions(trained_run, tmp_path):
    run = shutil.copytree(trained_run, tmp_path / "run")
    args = json.loads((run / "args.json").read_text())
    del args["sampling"]
    (run / "args.json").write_text(json.dumps(args | {"depth": 4, "channels": 1}))
    assert find_model(run).sampling == Sampling(16, 4, False, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampling": {"size": 16}}, "is damaged"),
        ({"sampling": 3}, "is damaged"),
        ({"sampling": {"size": 32, "depth": 4, "color": False}}, "is not the model of the run"),
    ],
)
def test_a_run_that_does_not_say_what_it_took(trained_run, tmp_path, change, words):
    run = shutil.copytree(trained_run, tmp_path / "run")
    args = json.loads((run / "args.json").read_text())
    (run / "args.json").write_text(json.dumps(args | change))
    with pytest.raises(UserError, match=words):
        open_model(find_model(run))


def test_a_directory_given_as_the_model_is_its_run(trained_run, tmp_path):
    assert find_model(model=trained_run) == find_model(trained_run)
    with pytest.raises(UserError, match="--model: no model in"):
        find_model(model=tmp_path)
