"""What the training scripts have in common: options in, a run out."""

from actioncnn.train import options
from actioncnn.train.recipes import NETWORKS, by_script


def train(name, description, ensemble=False):
    """Trains the network `name` of recipes.NETWORKS, or an ensemble of the one that the command line names."""
    network = NETWORKS[name]
    kind = options.EnsembleOptions if ensemble else options.ClipOptions if network.dimensions == 3 else options.Options
    chosen = options.parse(kind, description)
    from actioncnn.train import run  # after the options: it imports NumPy, and later Keras

    run.train(chosen, by_script(chosen.network) if ensemble else network)
