"""Batches of a training or a test on the device that computes, or on each of several."""

import numpy as np
import tensorflow as tf

from actioncnn.data import batches
from actioncnn.data.store import check_whole


class Source:
    """Where batches come from: the whole set on the device where it fits, else from the array, ahead of the device."""

    def __init__(self, data, device):
        self.data, self.device, self.resident = data, device, device.holds(data.stored.nbytes)
        check_whole(data.stored)
        with device.strategy.scope():
            self.targets = tf.Variable(data.targets, trainable=False)
            self.clips = tf.Variable(np.asarray(data.stored), trainable=False) if self.resident else None

    def batches(self, rows, choose, steps):
        """The elements of batches.batches, divided among the copies of the network."""
        clips = None if self.resident else self.data.stored

        def of_machine(context):
            parts = context.input_pipeline_id, context.num_input_pipelines
            copies = context.num_replicas_in_sync // context.num_input_pipelines
            return batches.batches(clips, rows, choose, steps, *parts, copies)

        return self.device.strategy.distribute_datasets_from_function(of_machine)

    def get(self, element):
        """(step, places, clips, targets) of an element, on the device; the clips with all frames that are stored."""
        step, places, rows, clips = element
        return step, places, tf.gather(self.clips, rows) if self.resident else clips, tf.gather(self.targets, rows)

    def tested(self, element):
        """The clips of an element as they are tested."""
        clips = self.get(element)[2]
        return clips if self.data.doubled is None else clips[:, :, :, ::2]
