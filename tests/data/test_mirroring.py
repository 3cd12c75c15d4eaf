"""Classes that a mirror would turn into others."""

import pytest

from actioncnn.data.mirroring import told, turned
from actioncnn.train.recipes import may_be_mirrored


@pytest.mark.parametrize(
    "classes",
    [
        ["BarLeft", "BarRight"],
        ["turn_left", "walk"],
        ["Swiping Right", "Stop"],
        ["rotate clockwise", "shake"],
        ["turnleft", "turnright"],
        ["Kurve links", "Kurve rechts"],
        ["à gauche", "tout droit"],
        ["giro_izquierda", "giro_derecha"],
        ["L", "R"],
        ["swipe-L", "swipe-R"],
        ["左转", "右转"],
        ["左", "右", "上"],
        ["왼쪽", "오른쪽"],
        ["налево", "направо"],
        ["cw", "ccw"],
    ],
)
def test_classes_that_are_not_mirrored(classes):
    assert not may_be_mirrored(classes) and turned(classes) in classes
    assert turned(classes) in told(classes, False, False) and "--flip True" in told(classes, False, False)


@pytest.mark.parametrize(
    "classes",
    [
        ["cleft lip", "upright row", "bright light"],
        ["golf links", "tennis"],
        ["K", "L", "M", "R"],
        ["level L", "walk"],
        ["copyright", "walk"],
        ["sol", "luna"],
        ["YoYo", "Punch"],
    ],
)
def test_classes_that_may_be_mirrored(classes):
    assert may_be_mirrored(classes) and "--flip False" in told(classes, True, False)


def test_what_was_asked_for_is_said():
    assert "--flip True" in told(["left", "right"], True, True)
