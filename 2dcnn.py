"""Train the 2D CNN on one frame of each video, the middle one: the action is under way there, while first frames
often show its preparation. What it reaches is what a single picture tells about the class.

python 2dcnn.py --videos UCF101/ --output 2dcnnresult/
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("cnn2d", __doc__))
