"""Classes by name."""

import pytest

from actioncnn.errors import UserError
from actioncnn.model.labels import find_label, label_of

CLASSES = ["1", "Run", "run", "0", "Jump"]


@pytest.mark.parametrize(
    ("name", "label"),
    [("0", 3), ("1", 0), ("2", 2), ("Run", 1), ("run", 2), ("RUN", 1), ("jump", 4), ("4", 4)],
)
def test_the_exact_name_comes_before_another_case_and_that_before_the_number(name, label):
    assert label_of(name, CLASSES, "--class") == label


@pytest.mark.parametrize("name", ["5", "-1", "Jmup", "", "²", "9" * 5000, "04"])
def test_no_such_class(name):
    with pytest.raises(UserError, match="^--against .*no class of the model"):
        label_of(name, CLASSES, "--against")
    assert find_label(name, CLASSES) is None


def test_names_of_videos_are_not_numbers():
    assert find_label("2", CLASSES) is None
