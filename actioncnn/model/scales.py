"""The scales that --range knows by a name, as keras.applications names its preprocessing."""

IMAGENET_MEAN = 0.485, 0.456, 0.406  # of RGB, 0 to 1; keras.applications.imagenet_utils has all of these
IMAGENET_DEVIATION = 0.229, 0.224, 0.225
CAFFE_MEAN = 103.939, 116.779, 123.68  # of BGR, 0 to 255
SCALES = {  # name -> (black, white): a number, or one for each channel in the order in which the model takes them
    "tf": (-1.0, 1.0),
    "caffe": (tuple(-mean for mean in CAFFE_MEAN), tuple(255 - mean for mean in CAFFE_MEAN)),
    "torch": tuple(
        tuple((end - mean) / deviation for mean, deviation in zip(IMAGENET_MEAN, IMAGENET_DEVIATION, strict=True))
        for end in (0, 1)
    ),
}
BGR = ("caffe",)  # the names of scales whose channels are blue, green, red
