"""Batches of a training or a test on the device that computes, or on each of several."""

import numpy as np
import tensorflow as tf

from actioncnn.cli import warn
from actioncnn.data import batches
from actioncnn.data.store import check_whole
from actioncnn.train.repeatable import replicas


class Source:
    """Where batches come from: the whole set on each device where it fits, else from the array, ahead of the device."""

    def __init__(self, data, device):
        self.data, self.device = data, device
        check_whole(data.stored)
        self.targets, self.clips = self.on_each_device(data.targets), None
        if device.holds(data.stored.nbytes):
            try:
                self.clips = self.on_each_device(np.asarray(data.stored))
            except tf.errors.ResourceExhaustedError:
                warn("the clips do not fit on the GPU beside what is there, so they stay in the computer's memory")

    def on_each_device(self, array):
        """A variable on each device here.

        One that the strategy makes would be sent to all machines, and tf.gather would move all of it to the host.
        """
        made = []
        for place in self.device.places():
            with tf.device(place):
                made.append(tf.Variable(array, trainable=False))
        return made

    def batches(self, rows, choose, steps, keys=None):
        """The elements of batches.batches, divided among the copies of the network, with keys(step) for the step."""
        clips = self.data.stored if self.clips is None else None

        def of_machine(context):
            parts = context.input_pipeline_id, context.num_input_pipelines
            copies = context.num_replicas_in_sync // context.num_input_pipelines
            elements = batches.batches(clips, rows, choose, steps, *parts, copies)
            return elements.map(lambda step, *rest: (keys(step), *rest)) if keys else elements

        return self.device.strategy.distribute_datasets_from_function(of_machine)

    def get(self, element):
        """(keys, places, clips, targets) of an element, on the device; the clips with all frames that are stored."""
        keys, places, rows, clips = element
        here = tf.get_static_value(replicas()[0]) % len(self.targets)
        targets = tf.gather(self.targets[here], rows)
        return keys, places, clips if self.clips is None else tf.gather(self.clips[here], rows), targets

    def tested(self, element):
        """The clips of an element as they are tested."""
        clips = self.get(element)[2]
        return clips if self.data.doubled is None else clips[:, :, :, ::2]
