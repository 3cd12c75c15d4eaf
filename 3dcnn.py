"""Train the 3D CNN to classify videos: UCF-101, or your own videos in one folder per class.

python 3dcnn.py --videos UCF-101/ --output 3dcnnresult/
python 3dcnn.py --videos my_videos/ --epoch 40 --output result/

The directory of --output gets the model, its figures and report.html, a page that shows them all.
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("cnn3d", __doc__))
