"""Networks that tell bars that move left from bars that move right."""

import pytest

from actioncnn import device


@pytest.fixture(scope="session", autouse=True)
def keras_is_set_up():
    device.setup("float32")


@pytest.fixture(scope="session")
def model():
    from small_networks import trained

    return trained(0)


@pytest.fixture(scope="session")
def judge():
    from small_networks import trained

    return trained(1)
