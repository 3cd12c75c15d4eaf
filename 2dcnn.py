"""Train the 2D CNN on the middle frame of each video: how well a single picture tells the class.

python 2dcnn.py --videos UCF-101/ --output 2dcnnresult/
python 2dcnn.py --videos my_videos/ --epoch 40 --output result/

The middle frame is used because the action is usually under way there; first frames often show its preparation.
The directory of --output gets the model, its figures and report.html, a page that shows them all.
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("cnn2d", __doc__))
