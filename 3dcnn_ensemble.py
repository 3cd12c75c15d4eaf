"""Train several networks from different seeds, one after the other, and average their probabilities in one model.

python 3dcnn_ensemble.py --videos UCF-101/ --nmodel 3 --output ensembleresult/
python 3dcnn_ensemble.py --videos UCF-101/ --network 3dcnn-my-model --output ensembleresult/

The directory of --output gets the merged model, its figures and report.html, a page that shows them all.
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("cnn3d", __doc__, ensemble=True))
