"""Models in 16 bits are read in 32: draws, evidence and exports need the precision, and a CPU is slow with less."""

import json

import keras
import numpy as np
import pytest
from foreign_models import COLOUR, SQUARE, bgr_time_first, classifier, conv3d, forward, save

from actioncnn.model import loading


@pytest.mark.parametrize("kind", ["keras", "h5", "json"])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "float16"])
def test_models_in_16_bits(policy, kind, tmp_path):
    keras.config.set_dtype_policy(policy)
    network = conv3d(COLOUR)
    path = save(network, tmp_path, kind)
    keras.config.set_dtype_policy("float32")
    plain = conv3d(COLOUR)
    plain.set_weights(network.get_weights())
    opened = classifier(path)
    assert {layer.compute_dtype for layer in opened.network.layers} == {"float32"}
    np.testing.assert_allclose(opened(SQUARE), forward(plain, bgr_time_first(SQUARE)), atol=1e-6)
    limit = 0.01 if "bfloat16" in policy else 0.002  # 8 bits of precision, 11
    np.testing.assert_allclose(opened(SQUARE), forward(network, bgr_time_first(SQUARE)).astype("float32"), atol=limit)
    shares = opened(SQUARE)[:, 0]
    odds = opened.log_odds(opened.feed(SQUARE), 0)
    np.testing.assert_allclose(odds, np.log(shares / (1 - shares)), atol=1e-3)


def test_a_policy_of_keras_2(tmp_path):
    network = conv3d(COLOUR)
    path = save(network, tmp_path, "json")
    config = json.loads(network.to_json())
    for layer in config["config"]["layers"]:
        if "batch_shape" in layer["config"]:
            layer["config"]["batch_input_shape"] = layer["config"].pop("batch_shape")
        else:
            layer["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    path.write_text(json.dumps(config))
    loaded = loading.load_model(path, path.with_suffix(".hd5"))
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
    np.testing.assert_array_equal(forward(loaded, bgr_time_first(SQUARE)), forward(network, bgr_time_first(SQUARE)))
