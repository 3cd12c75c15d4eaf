"""The weights of LSTM and GRU as Keras 1 wrote them: kernel, recurrent kernel and bias of each gate by itself."""

ORDER = {4: (0, 2, 1, 3), 3: (0, 1, 2)}  # of an LSTM (i, c, f, o in Keras 1) and a GRU in today's order


def joined(arrays, count):
    """The arrays of a layer, for its `count` weights: a recurrent one's as Keras 2 and 3 have them, others as they are.

    Of a layer in both directions, those of one follow those of the other.
    """
    import numpy as np

    gates = len(arrays) // max(count, 1)
    if gates not in ORDER or len(arrays) != gates * count or count % 3:
        return arrays
    cells = [arrays[start : start + 3 * gates] for start in range(0, len(arrays), 3 * gates)]
    return [np.concatenate([cell[3 * gate + part] for gate in ORDER[gates]], -1) for cell in cells for part in range(3)]
