"""Train the suite's most accurate network: residual, with convolutions factored into space and time.

python 3dcnn-my-model.py --videos UCF101/ --output mymodelresult/
"""

from actioncnn import cli


def main():
    args = cli.training_parser(__doc__).parse_args()
    from actioncnn import experiment, recipes

    experiment.train(args, "my_model", "ucf101_3dcnnmodel", recipes.MY_MODEL)


if __name__ == "__main__":
    cli.run(main)
