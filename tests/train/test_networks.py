"""The networks: shapes, names of layers, what they see."""

import keras
import numpy as np

from actioncnn.train import networks
from actioncnn.train.recipes import NETWORKS


def test_the_table_names_the_networks():
    for network in NETWORKS.values():
        shape = (32, 32, 10, 1) if network.dimensions == 3 else (32, 32, 1)
        assert getattr(networks, network.name)(shape, 4).output_shape == (None, 4)


def test_names_and_shapes_of_the_networks():
    for build, shape in (
        (networks.cnn3d, (32, 32, 10, 1)),
        (networks.cnn2d, (32, 32, 3)),
        (networks.residual, (32, 32, 10, 3)),
    ):
        model = build(shape, 7)
        assert model.input_shape[1:] == shape and model.output_shape == (None, 7)
    names = [layer.name for layer in networks.cnn3d((32, 32, 10, 1), 7).layers]
    assert {"conv3d_1", "conv3d_4", "max_pooling3d_2", "dropout_3", "dense_1", "dense_2"} <= set(names)
    assert networks.residual((32, 32, 10, 1), 101).count_params() < networks.cnn3d((32, 32, 10, 1), 101).count_params()


def test_the_ensemble_is_the_mean():
    clips = np.random.default_rng(0).uniform(0, 255, (3, 8, 8, 4, 1)).astype(np.float32)
    members = [networks.cnn3d((8, 8, 4, 1), 5) for _ in range(3)]
    merged = networks.average(members)
    assert np.allclose(merged(clips), np.mean([member(clips) for member in members], axis=0), atol=1e-6)
    assert len(merged.inputs) == 1


def test_the_residual_network_sees_what_moves():
    model = networks.residual((8, 8, 4, 1), 3)
    seen = keras.Model(model.input, model.get_layer("subtract_1").output)
    clips = np.random.default_rng(0).uniform(0, 255, (2, 8, 8, 4, 1)).astype(np.float32)
    clips[0] = clips[0, :, :, :1]
    still, moving = seen(clips).numpy()
    assert np.abs(still).max() < 1e-5 and np.abs(moving).max() > 0.5 and np.abs(moving.mean(0)).max() < 1e-5
