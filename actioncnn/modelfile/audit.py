"""What a model file may contain. It may come from a stranger: nothing in it is imported, unpickled or run.

`vetted` lets only the classes pass that are listed here; `check_weights` lets no weights file reach for other files or
for more memory than it accounts for. Both come before Keras sees the file: Keras imports what a config names.
"""

from actioncnn.errors import UserError


def _words(text):
    return frozenset(text.split())


LAYERS = _words("""
    Sequential Functional Model InputLayer Identity Masking Dense Embedding EinsumDense
    Conv1D Conv2D Conv3D Conv1DTranspose Conv2DTranspose Conv3DTranspose
    DepthwiseConv1D DepthwiseConv2D SeparableConv1D SeparableConv2D
    MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D AveragePooling3D
    GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D
    GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D
    Activation Softmax ReLU LeakyReLU PReLU ELU Rescaling Resizing CenterCrop
    BatchNormalization LayerNormalization GroupNormalization UnitNormalization Normalization
    Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D AlphaDropout GaussianDropout GaussianNoise
    Flatten Reshape Permute RepeatVector Cropping1D Cropping2D Cropping3D
    ZeroPadding1D ZeroPadding2D ZeroPadding3D UpSampling1D UpSampling2D UpSampling3D
    Add Average Concatenate Dot Maximum Minimum Multiply Subtract
    Attention AdditiveAttention MultiHeadAttention
    SimpleRNN GRU LSTM ConvLSTM1D ConvLSTM2D ConvLSTM3D Bidirectional TimeDistributed
    RandomBrightness RandomContrast RandomCrop RandomFlip RandomRotation RandomTranslation RandomZoom
""")
PARTS = _words("""
    __keras_tensor__ DTypePolicy FloatDTypePolicy
    Zeros Ones Constant Identity IdentityInitializer Orthogonal OrthogonalInitializer RandomNormal RandomUniform
    TruncatedNormal VarianceScaling GlorotNormal GlorotUniform HeNormal HeUniform LecunNormal LecunUniform
    L1 L2 L1L2 OrthogonalRegularizer MaxNorm MinMaxNorm NonNeg UnitNorm
""")
FUNCTIONAL = "keras.src.models.functional"  # Keras has no public name for the module of its functional models
MODULES = {None, FUNCTIONAL, "keras.src.models.sequential"} | _words("""
    keras keras.layers keras.initializers keras.regularizers keras.constraints keras.dtype_policies
""")
ACTIVATIONS = _words("""
    linear relu relu6 leaky_relu elu selu celu gelu glu silu swish mish sigmoid hard_sigmoid hard_silu hard_swish
    tanh hard_tanh softmax log_softmax softplus softsign exponential
""")
FREE_VALUES = 100_000_000  # 400 MB; a larger model must have weights that account for it


def vetted(node, layer="model"):
    """A copy of a Keras 3 config (dict, list or leaf of its JSON), without training settings.

    Raises UserError, naming the layer, on any class, module or activation that is not listed above.
    """
    if isinstance(node, list):
        return [vetted(item, layer) for item in node]
    if not isinstance(node, dict):
        return node
    if "class_name" in node:
        inner = node.get("config")
        if isinstance(inner, dict) and "Policy" not in node["class_name"]:  # a policy's name is its dtype
            layer = inner.get("name", layer)
        _vet_class(node, layer)
    for key, value in node.items():
        if key.endswith("activation") and isinstance(value, str) and value not in ACTIVATIONS:
            raise UserError(f"layer {layer!r} has the unknown activation {value!r}")
    return {key: vetted(value, layer) for key, value in node.items() if key != "compile_config"}


def _vet_class(node, layer):
    name, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    if registered not in (None, name):
        kind = registered
    elif module not in MODULES:
        kind = f"{module}.{name}"
    elif name not in LAYERS | PARTS:
        kind = name
    else:
        return
    raise UserError(f"layer {layer!r} is or contains {kind!r}: refused, only Keras's own layers are safe to load")


def check_weights(file, size):
    """The number of values in an open h5py.File of `size` bytes.

    Raises UserError where it points to other files, or declares far more values than it can hold.
    """
    import h5py

    link = file.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else name)
    if link is not None:
        raise UserError(f"{link!r} in it is a link, maybe to another file: refused")
    datasets = []  # h5py cannot pass on what its visitors raise
    file.visititems(lambda _, item: datasets.append(item) if isinstance(item, h5py.Dataset) else None)
    for dataset in datasets:
        if dataset.external or dataset.is_virtual:
            raise UserError(f"{dataset.name!r} in it is stored in another file: refused")
    values = sum(dataset.size or 0 for dataset in datasets)
    if values > max(FREE_VALUES, size):
        raise UserError(f"declares {values} values in {size} bytes: refused")
    return values


def check_unpacked(packed, unpacked):
    """Raises UserError where a zip archive's member would grow beyond what weights ever do."""
    if unpacked > 4 * max(FREE_VALUES, packed):
        raise UserError(f"unpacks from {packed} to {unpacked} bytes: refused")


def check_parameters(parameters, stored):
    """Raises UserError where an architecture would take far more memory than its weights file accounts for."""
    if parameters > max(FREE_VALUES, stored):
        raise UserError(f"has {parameters} parameters, its weights file {stored}: refused")
