"""Train the suite's most accurate network: residual, each convolution divided into one over space and one over time.

python 3dcnn-my-model.py --videos UCF-101/ --output mymodelresult/
python 3dcnn-my-model.py --videos my_videos/ --epoch 40 --start mymodelresult/ --output result/

The second command fine-tunes the network of the first on other videos.
The directory of --output gets the model, its figures and report.html, a page that shows them all.
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("residual", __doc__))
