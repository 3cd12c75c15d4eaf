"""A small trained network, and its clips."""

import numpy as np
import pytest
import small_networks


@pytest.fixture(scope="session")
def network():
    """Tells bars that move left (0) from bars that move right (1)."""
    return small_networks.model_of(small_networks.trained(0))


@pytest.fixture(scope="session")
def bars():
    """(clips, labels) of 8 such bars."""
    clips, labels = small_networks.bars(8, 5)
    return clips.astype(np.uint8), labels
