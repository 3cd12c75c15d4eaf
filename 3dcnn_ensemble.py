"""Train several 3D CNNs from different seeds, one after the other, and average their probabilities in one model.

python 3dcnn_ensemble.py --videos UCF101/ --nmodel 3 --output ensembleresult/
"""

from actioncnn import cli


def main():
    args = cli.training_parser(__doc__, nmodel=True).parse_args()
    from actioncnn import experiment, recipes

    experiment.train(args, "cnn3d", "ucf101_3dcnnmodel", recipes.CNN3D)


if __name__ == "__main__":
    cli.run(main)
