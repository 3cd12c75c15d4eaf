"""Train the 3D CNN on UCF-101 or other videos of classes.

python 3dcnn.py --videos UCF101/ --output 3dcnnresult/
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("cnn3d", __doc__))
