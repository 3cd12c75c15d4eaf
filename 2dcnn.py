"""Train the 2D CNN on one frame of each video, the middle one: the action is under way there, while first frames
often show its preparation. What it reaches is what a single picture tells about the class.

python 2dcnn.py --videos UCF101/ --output 2dcnnresult/
"""

from actioncnn import cli


def main():
    args = cli.training_parser(__doc__, video=False).parse_args()
    from actioncnn import experiment, recipes

    experiment.train(args, "cnn2d", "ucf101cnnmodel", recipes.CNN2D, depth=0)


if __name__ == "__main__":
    cli.run(main)
