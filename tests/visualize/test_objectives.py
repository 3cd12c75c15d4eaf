"""What is climbed."""

import numpy as np
import pytest
import tensorflow as tf
from small_networks import bars

from actioncnn.model.layers import NoSuchUnitError, look
from actioncnn.visualize import objectives


def test_the_least_sure_member_counts_most():
    margins = tf.Variable([[1.0, 3.0], [9.0, 3.0]])
    with tf.GradientTape() as tape:
        least = objectives.soft_minimum(margins)
    assert 1 < least[0] < 5 and float(least[1]) == pytest.approx(3, abs=1e-5)
    weak, sure = tape.gradient(least, margins).numpy()[:, 0]
    assert weak > 4 * sure > 0
    assert objectives.soft_minimum(tf.constant([[2.5]])).numpy() == [2.5]


def test_margin_is_the_log_odds():
    logits, chosen = tf.constant([[1.0, 2.0, -1.0], [0.0, 5.0, 3.0]]), tf.constant([0, 2])
    odds = tf.nn.softmax(logits).numpy()[[0, 1], [0, 2]]
    assert np.allclose(objectives.margin(logits, chosen), np.log(odds / (1 - odds)), atol=1e-5)


@pytest.mark.slow
def test_objectives(model):
    seen = look(model, model.get_layer("conv3d_1"), bars(2, 0)[0])
    chosen = np.array([1, 1])
    assert np.allclose(tf.nn.relu(seen.before), seen.output)
    assert np.allclose(objectives.score(seen, chosen, "logit"), np.mean(seen.before[..., 1], (1, 2, 3)), atol=1e-5)
    assert np.allclose(objectives.score(seen, chosen, "mean"), np.mean(seen.output[..., 1], (1, 2, 3)), atol=1e-5)
    with pytest.raises(NoSuchUnitError, match="--objective"):
        objectives.score(seen, chosen, "margin")
