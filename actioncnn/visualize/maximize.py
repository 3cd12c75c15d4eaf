"""The clips that units of a layer respond to most, in batches and restarts, by one procedure or the other."""

import re

import numpy as np
import tensorflow as tf

from actioncnn.errors import UserError
from actioncnn.visualize.ascent import climb
from actioncnn.visualize.classic import climb_as_in_2017

CHUNK = 32  # clips in a batch


def maximize_units(model, layer, chosen, settings, progress=iter):
    """Results for the units `chosen` of a layer of a Model, in their order. `progress` wraps the list of all steps."""
    ascend = climb_as_in_2017 if settings.classic else climb
    jobs = np.repeat(chosen, settings.restarts)
    chunks = [jobs[start : start + CHUNK] for start in range(0, len(jobs), CHUNK)]
    steps = iter(progress([None] * (len(chunks) * settings.iterations)))
    try:
        results = [result for chunk in chunks for result in ascend(model, layer, chunk, settings, steps)]
    except (ValueError, tf.errors.OpError) as error:
        raise UserError(f"--model: TensorFlow cannot compute it: {cause(error)}") from error
    tries = [results[start : start + settings.restarts] for start in range(0, len(results), settings.restarts)]
    return [max(group, key=lambda result: result.curve[-1]) for group in tries]


def cause(error):
    """The line of a message of Keras or TensorFlow that says what is wrong."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d+m", "", str(error)).splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Exception encountered")] + [type(error).__name__]
    return lines[0]
