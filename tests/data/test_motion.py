"""What is drawn moves as its class says, and in no other way."""

import numpy as np

from actioncnn.data import motion


def test_objects_move_as_the_class_says():
    """The state that `trajectory` gives: only the class's coordinate advances, in its direction."""
    for name, (coordinate, sign) in motion.CLASSES.items():
        states, camera = motion.trajectory(name, np.random.default_rng(0), motion.FRAMES, drift=0)
        steps = np.diff(states, axis=0)
        assert (np.sign(steps[:, coordinate]) == sign).all()
        assert np.abs(np.delete(steps, coordinate, axis=1)).max() < 1e-9 and np.ptp(camera, axis=0).max() < 1e-9


def test_pasted_objects_leave_the_ground_as_it_is():
    ground = np.random.default_rng(0).integers(0, 256, (5, 48, 64, 1), np.uint8)
    objects = motion.make_objects(np.random.default_rng(1), 1)
    frames = motion.paste(ground, "MoveLeft", np.random.default_rng(2), objects)
    assert frames.shape == ground.shape and frames.dtype == np.uint8
    changed = (frames != ground).mean((1, 2, 3))
    assert (changed > 0.02).all() and (changed < 0.9).all()


def test_the_cover_is_where_pasted_objects_are():
    ground, objects = np.zeros((5, 48, 64, 1), np.uint8), motion.make_objects(np.random.default_rng(1), 1)
    frames = motion.paste(ground, "MoveLeft", np.random.default_rng(2), objects)
    rng = np.random.default_rng(2)
    states, _ = motion.trajectory("MoveLeft", rng, 5, drift=0)
    opacity = motion.cover(objects, states, motion.make_layout(rng), 48, 64)
    assert opacity.shape == (5, 48, 64) and 0.03 < (opacity > 0.5).mean() < 0.3
    assert frames[opacity > 0.5].min() > 0 and frames[opacity == 0].max() == 0
