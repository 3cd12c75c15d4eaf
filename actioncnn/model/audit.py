"""What a model file may contain. It may come from a stranger: nothing in it is imported, unpickled or run.

`vetted` lets only the classes pass that are listed here; `check_weights` lets no weights file reach for other files or
for more memory than it accounts for. Both come before Keras sees the file: Keras imports what a config names.
"""

import json
import math
import zipfile

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
    ActivityRegularization RNN SpectralNormalization
""")
OPERATIONS = _words("""
    Absolute Add Cast Concatenate Divide Exp ExpandDims GetItem Log Max Maximum Mean Min Minimum Multiply Negative Power
    Relu Relu6 Reshape Sigmoid Softmax Sqrt Square Squeeze Stack Subtract Sum Tanh Transpose TrueDivide
""")  # of keras.ops in functional models: each makes at most as many values as its inputs broadcast to
OPERATION_MODULES = {"keras.src.ops.numpy", "keras.src.ops.nn", "keras.src.ops.core"}
PARTS = _words("""
    __keras_tensor__ __slice__ DTypePolicy FloatDTypePolicy
    LSTMCell GRUCell SimpleRNNCell StackedRNNCells
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
PACKINGS = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED  # as Keras packs; others unpack a byte to gigabytes
ITEM_BYTES = 16  # of a value in an HDF5 file; text may be longer
NESTED = 64  # levels of groups in an HDF5 file
BOUNDS = {"layers": 2_000, "bytes of JSON": 4 << 20, "groups and arrays": 20_000, "values of a clip in a layer": 10**8}
BOUNDS["classes"] = 100_000  # ImageNet has 21,841
MAX_SIDE = 4096  # pixels of a frame
MAX_FRAMES = 10_000  # of a clip
LIFT = "--large True lifts the bounds, for models that you trust"


def lift_bounds():
    """From now on models of any size are read, as one's own may be."""
    BOUNDS.update(dict.fromkeys(BOUNDS, float("inf")))


def bounded(what, count):
    """UserError where a model has more of what is in BOUNDS; what comes of it would take minutes or gigabytes."""
    if count > BOUNDS[what]:
        raise UserError(f"has {count} {what}, more than {BOUNDS[what]}: refused; {LIFT}")


def parsed(text):
    """JSON of a model, as Python has it; what is nested deeply is a RecursionError. UserError: too long."""
    bounded("bytes of JSON", len(text))
    return json.loads(text)


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
    new = {key: vetted(value, layer) for key, value in node.items() if key != "compile_config"}
    if "stateful" in new:  # each clip is predicted for itself
        new["stateful"] = False
    if isinstance(new.get("batch_shape"), list):
        new["batch_shape"] = [None, *new["batch_shape"][1:]]
    return new


def _vet_class(node, layer):
    name, module, registered = node["class_name"], node.get("module"), node.get("registered_name")
    if registered not in (None, name):
        kind = registered
    elif module in OPERATION_MODULES and name in OPERATIONS:
        return
    elif module is None and name in OPERATIONS - LAYERS:
        raise UserError(
            f"layer {layer!r} is the operation {name!r}, which Keras cannot read from .h5: save it as .keras"
        )
    elif module not in MODULES:
        kind = f"{module}.{name}"
    elif name not in LAYERS | PARTS:
        kind = name
    else:
        return
    raise UserError(f"layer {layer!r} is or contains {kind!r}: refused, only Keras's own layers are safe to load")


def check_weights(file, size):
    """The number of values in an open h5py.File of `size` bytes.

    Raises UserError where it points to other files, or declares far more than it can hold or than a model has.
    """
    import h5py

    seen = 0

    def odd(name, link):
        nonlocal seen
        seen += 1
        if not isinstance(link, h5py.HardLink):
            return f"{name!r} in it is a link, maybe to another file: refused"
        if name.count("/") > NESTED:
            return f"has groups in groups, more than {NESTED} levels: refused"
        return "many" if seen > BOUNDS["groups and arrays"] else None

    if reason := file.visititems_links(odd):
        bounded("groups and arrays", seen)
        raise UserError(reason)
    items = [file]  # each once, whatever its names; h5py cannot pass on what its visitors raise
    file.visititems(lambda _, item: items.append(item))
    for item in items:
        _check_attributes(item)
        if item is not file and h5py.h5o.get_info(item.id).rc > 1:
            raise UserError(f"{item.name!r} in it has several names, so it would be read again and again: refused")
    datasets = [item for item in items if isinstance(item, h5py.Dataset)]
    for dataset in datasets:
        if dataset.external or dataset.is_virtual:
            raise UserError(f"{dataset.name!r} in it is stored in another file: refused")
        if dataset.id.get_type().get_size() > ITEM_BYTES:
            raise UserError(f"{dataset.name!r} in it has values of more than {ITEM_BYTES} bytes: refused")
    values = sum(dataset.size or 0 for dataset in datasets)
    if values > max(FREE_VALUES, size):
        raise UserError(f"declares {values} values in {size} bytes: refused")
    for dataset in datasets:
        _check_sum(dataset)
    return values


def _check_sum(dataset):
    """UserError where an array with a checksum is not what was written."""
    try:
        if dataset.fletcher32:
            dataset[()]
    except OSError:
        raise UserError(f"{dataset.name!r} in it is damaged, as its checksum tells; take another copy") from None


def _check_attributes(item):
    """UserError where an attribute, which is read at once, is larger than any text of a model."""
    import h5py

    for place in range(h5py.h5a.get_num_attrs(item.id)):
        attribute = h5py.h5a.open(item.id, index=place)
        count = attribute.get_space().get_simple_extent_npoints()
        bounded("bytes of JSON", count * attribute.get_type().get_size())


def check_unpacked(member):
    """Raises UserError where a zip archive's member is packed as Keras does not, or grows as weights never do."""
    packed, unpacked = member.compress_size, member.file_size
    if member.compress_type not in PACKINGS:
        raise UserError(f"{member.filename} in it is packed in a way that Keras does not use: refused")
    if unpacked > 4 * max(FREE_VALUES, packed):
        raise UserError(f"unpacks from {packed} to {unpacked} bytes: refused")


def check_numbers(model):
    """Raises UserError where a weight is not a finite number: all that comes of it would not be one either."""
    import numpy as np

    for weight in model.weights:
        values = np.asarray(weight)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise UserError(f"the weights of {weight.path!r} are not all numbers (NaN or infinite); train it anew")


def check_outline(sizes, stored):
    """Raises UserError where an architecture would take far more memory than its weights file accounts for.

    sizes: (number of parameters, values of a clip in its largest layer), of `sizes_of`.
    """
    parameters, largest = sizes
    if parameters > max(FREE_VALUES, stored):
        raise UserError(f"has {parameters} parameters, its weights file {stored}: refused")
    bounded("values of a clip in a layer", largest)


def sizes_of(model):
    """(number of parameters, values of one clip in the largest output of a layer) of a built model."""
    return model.count_params(), max(_values_of(model, model.inputs), default=0)


def _values_of(model, inputs):
    """How many values of one clip each layer of a model makes of symbolic inputs, those of nested models too.

    Sizes that a nested model leaves open (None) follow from what it is called with.
    """
    import keras
    from keras.src.models import Functional

    values = []

    def counted(layer):
        def call(*args, **kwargs):
            output = layer.compute_output_spec(*args, **kwargs)
            given = [each for each in keras.tree.flatten((args, kwargs)) if isinstance(each, keras.KerasTensor)]
            values.extend(math.prod(side or 1 for side in each.shape[1:]) for each in keras.tree.flatten(output))
            if isinstance(layer, keras.Model):
                values.extend(_values_of(layer, given))
            elif isinstance(layer, keras.layers.TimeDistributed):
                counted(layer.layer)(keras.KerasTensor((None, *given[0].shape[2:]), given[0].dtype))
            elif "Attention" in type(layer).__name__:
                values.append(scores_of(layer, given))
            return output

        return call

    graph = model if isinstance(model, Functional) else getattr(model, "_functional", None)
    if graph:
        graph._run_through_graph(inputs, operation_fn=counted)
    else:  # a Sequential that no input shape was given to
        for layer in model.layers:
            inputs = [counted(layer)(*inputs)]
    return values


def scores_of(layer, inputs):
    """How many scores of one clip an attention layer makes of its inputs: one for each pair of their places.

    AdditiveAttention makes each of as many values as a place has.
    """
    most = max(math.prod(side or 1 for side in each.shape[1:-1]) for each in inputs)
    additive = type(layer).__name__ == "AdditiveAttention"
    return most**2 * (inputs[0].shape[-1] if additive else getattr(layer, "num_heads", 1))


def check_sampling(sampling):
    """UserError: no clip is like that of a Sampling, or it would take gigabytes."""
    sides = sampling.size if isinstance(sampling.size, list | tuple) else [sampling.size]
    whole = all(type(number) is int for number in (*sides, sampling.depth)) and len(sides) in (1, 2)
    choices = sampling.color, sampling.skip, sampling.scrambled
    if not whole or not all(isinstance(choice, bool) for choice in choices):
        raise UserError("which frames it takes is not told as it should be")
    if not all(0 < side <= MAX_SIDE for side in sides) or not 0 <= sampling.depth <= MAX_FRAMES:
        raise UserError(f"takes {sampling.depth} frames of {sampling.size} pixels: refused")
    bounded("values of a clip in a layer", sides[0] * sides[-1] * sampling.frames * (3 if sampling.color else 1))


def count_layers(node):
    """The number of layers in a config of Keras 3, those of nested models too."""
    config = node.get("config") if isinstance(node, dict) else None
    layers = config.get("layers", ()) if isinstance(config, dict) else ()
    return len(layers) + sum(map(count_layers, layers))
