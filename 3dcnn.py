"""Train the 3D CNN on UCF-101 or other videos of classes.

python 3dcnn.py --videos UCF101/ --output 3dcnnresult/
"""

from actioncnn import cli


def main():
    args = cli.training_parser(__doc__).parse_args()
    from actioncnn import experiment, recipes

    experiment.train(args, "cnn3d", "ucf101_3dcnnmodel", recipes.CNN3D)


if __name__ == "__main__":
    cli.run(main)
