"""Train the suite's most accurate network: residual, with convolutions factored into space and time.

python 3dcnn-my-model.py --videos UCF101/ --output mymodelresult/
"""

from actioncnn import cli
from actioncnn.train import script

if __name__ == "__main__":
    cli.run(lambda: script.train("residual", __doc__))
