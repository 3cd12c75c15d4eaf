"""Train several 3D CNNs from different seeds, one after the other, and average their probabilities in one model.

python 3dcnn_ensemble.py --videos UCF101/ --nmodel 3 --output ensembleresult/
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("cnn3d", __doc__, ensemble=True))
