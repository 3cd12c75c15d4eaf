"""A model's files, out and in: the architecture as JSON, the weights as HDF5 (`.hd5`).

Written by Keras 3; read also as Keras 1 and 2 wrote them (see legacy.py) and from one `.keras` or full `.h5` file. A model file
may come from a stranger: nothing in it is imported, unpickled or run, only the classes listed here are built, and a
weights file that points to other files is refused.
"""

import contextlib
import copy
import json
import os
import shutil
import tempfile
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from actioncnn import legacy
from actioncnn.cli import UserError

LAYERS = frozenset(
    [
        "Sequential",
        "Functional",
        "Model",
        "InputLayer",
        "Identity",
        "Masking",
        "Dense",
        "Embedding",
        "EinsumDense",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "Conv1DTranspose",
        "Conv2DTranspose",
        "Conv3DTranspose",
        "DepthwiseConv1D",
        "DepthwiseConv2D",
        "SeparableConv1D",
        "SeparableConv2D",
        "MaxPooling1D",
        "MaxPooling2D",
        "MaxPooling3D",
        "AveragePooling1D",
        "AveragePooling2D",
        "AveragePooling3D",
        "GlobalMaxPooling1D",
        "GlobalMaxPooling2D",
        "GlobalMaxPooling3D",
        "GlobalAveragePooling1D",
        "GlobalAveragePooling2D",
        "GlobalAveragePooling3D",
        "Activation",
        "Softmax",
        "ReLU",
        "LeakyReLU",
        "PReLU",
        "ELU",
        "BatchNormalization",
        "LayerNormalization",
        "GroupNormalization",
        "UnitNormalization",
        "Normalization",
        "Rescaling",
        "Resizing",
        "CenterCrop",
        "Dropout",
        "SpatialDropout1D",
        "SpatialDropout2D",
        "SpatialDropout3D",
        "AlphaDropout",
        "GaussianDropout",
        "GaussianNoise",
        "Flatten",
        "Reshape",
        "Permute",
        "RepeatVector",
        "Cropping1D",
        "Cropping2D",
        "Cropping3D",
        "ZeroPadding1D",
        "ZeroPadding2D",
        "ZeroPadding3D",
        "UpSampling1D",
        "UpSampling2D",
        "UpSampling3D",
        "Add",
        "Average",
        "Concatenate",
        "Dot",
        "Maximum",
        "Minimum",
        "Multiply",
        "Subtract",
        "Attention",
        "AdditiveAttention",
        "MultiHeadAttention",
        "SimpleRNN",
        "GRU",
        "LSTM",
        "ConvLSTM1D",
        "ConvLSTM2D",
        "ConvLSTM3D",
        "Bidirectional",
        "TimeDistributed",
        "RandomBrightness",
        "RandomContrast",
        "RandomCrop",
        "RandomFlip",
        "RandomRotation",
        "RandomTranslation",
        "RandomZoom",
    ]
)
PARTS = frozenset(
    [
        "__keras_tensor__",
        "DTypePolicy",
        "FloatDTypePolicy",
        "Zeros",
        "Ones",
        "Constant",
        "Identity",
        "IdentityInitializer",
        "Orthogonal",
        "OrthogonalInitializer",
        "RandomNormal",
        "RandomUniform",
        "TruncatedNormal",
        "VarianceScaling",
        "GlorotNormal",
        "GlorotUniform",
        "HeNormal",
        "HeUniform",
        "LecunNormal",
        "LecunUniform",
        "L1",
        "L2",
        "L1L2",
        "OrthogonalRegularizer",
        "MaxNorm",
        "MinMaxNorm",
        "NonNeg",
        "UnitNorm",
    ]
)
MODULES = frozenset(
    {None, "keras", "keras.layers", "keras.initializers", "keras.regularizers", "keras.constraints"}
    | {"keras.dtype_policies", "keras.src.models.functional", "keras.src.models.sequential"}
)
ACTIVATIONS = frozenset(
    [
        "linear",
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "celu",
        "gelu",
        "glu",
        "silu",
        "swish",
        "mish",
        "sigmoid",
        "hard_sigmoid",
        "hard_silu",
        "hard_swish",
        "tanh",
        "hard_tanh",
        "softmax",
        "log_softmax",
        "softplus",
        "softsign",
        "exponential",
    ]
)
MAX_JSON_BYTES = 64 << 20  # an ensemble of 100 networks needs 1 MB
FREE_PARAMETERS = 100_000_000  # 400 MB; beyond it, a model may not ask for more memory than its files account for


def save(model, json_path, hd5_path):
    """Writes the architecture to `json_path`, the weights to `hd5_path`, without optimizer state.

    Each file appears complete or not at all: what stood there before stays until the new one is whole.
    Raises UserError where a file cannot be written.
    """
    architecture = json.loads(model.to_json())
    architecture.pop("compile_config", None)
    _write(hd5_path, lambda path: _save_weights(model, path))
    _write(json_path, lambda path: path.write_text(json.dumps(architecture, indent=1), encoding="utf-8"))


def _write(path, fill):
    path = Path(path)
    try:
        with tempfile.TemporaryDirectory(prefix=".", dir=path.parent) as folder:
            new = Path(folder, "new")
            fill(new)
            os.replace(new, path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror or error}") from error


def _save_weights(model, path):
    import h5py

    everything = path.with_suffix(".weights.h5")  # the only ending that Keras 3 writes
    model.save_weights(everything)
    with h5py.File(everything) as source, h5py.File(path, "w") as target:
        for key in source.keys() - {"optimizer"}:
            source.copy(key, target)


def load(json_path, hd5_path=None):
    """The model in `json_path` with the weights in `hd5_path`, as an uncompiled keras.Model.

    json_path: JSON of Keras 1, 2 or 3; or a `.keras` or full-model `.h5` file, which needs no `hd5_path`.
    hd5_path: HDF5 of Keras 1, 2 or 3, whatever its ending; a full-model `.h5` or a `.keras` file serves as well.
    Raises UserError, one line, for whatever is missing, damaged, not allowed or does not fit.
    """
    json_path, hd5_path = Path(json_path), Path(hd5_path or json_path)
    architecture = _read_architecture(json_path)
    with tempfile.TemporaryDirectory() as folder, _weights(hd5_path, folder) as (path, file):
        stored = _audit(file, hd5_path)
        with _one_line(json_path, "Keras cannot build this model"):
            _check_size(architecture, stored)
            model = _build(architecture)
        with _one_line(hd5_path, f"the weights do not fit {json_path}"):
            _load_weights(model, file, path)
    return model


@contextlib.contextmanager
def _one_line(path, problem):
    try:
        yield
    except UserError as error:
        raise error if str(path) in str(error) else UserError(f"{path}: {error}") from error
    except Exception as error:  # a damaged or hostile file can make Keras and HDF5 fail in any way
        raise UserError(f"{path}: {problem}: {_cause(error)}") from error


def _cause(error):
    return " ".join(str(error).rpartition("Exception encountered: ")[2].split())[:300]


def _read_architecture(path):
    import h5py

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    with _one_line(path, "not the JSON of a model"):
        if zipfile.is_zipfile(path):
            text = _zip_member(path, "config.json").read(MAX_JSON_BYTES)
        elif h5py.is_hdf5(path):
            with h5py.File(path) as file:
                if "model_config" not in file.attrs:
                    raise UserError("holds weights, not an architecture: give its JSON, and this file as the weights")
                text = file.attrs["model_config"]
        else:
            with open(path, "rb") as file:
                text = file.read(MAX_JSON_BYTES)
        config = json.loads(text)
        if not isinstance(config, dict) or config.get("class_name") not in ("Sequential", "Functional", "Model"):
            raise UserError("valid JSON, but not of a Keras model")
        if b'"batch_input_shape"' in (text if isinstance(text, bytes) else text.encode()):  # Keras 3: "batch_shape"
            config = legacy.translate(config)
        sequential = config["class_name"] == "Sequential"
        config.setdefault("module", "keras" if sequential else "keras.src.models.functional")
        return vetted(config)


def _zip_member(path, name):
    archive = zipfile.ZipFile(path)
    if name not in archive.namelist():
        raise UserError(f"a zip archive without {name}: not a .keras file")
    info = archive.getinfo(name)
    if info.file_size > 4 * max(FREE_PARAMETERS, info.compress_size):
        raise UserError(f"{name} in it unpacks from {info.compress_size} to {info.file_size} bytes: refused")
    return archive.open(name)


def vetted(node, layer="model"):
    """A copy of a Keras 3 config, without training settings; UserError on any class that is not listed above.

    Deserialization imports what a config names, so this comes before it.
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
    if name in LAYERS | PARTS and module in MODULES and registered in (None, name):
        return
    origin = registered if registered not in (None, name) else name if module in MODULES else f"{module}.{name}"
    raise UserError(
        f"layer {layer!r} is or holds {origin!r}: refused, because only Keras's own layers are known to run no foreign code"
    )


def _build(architecture):
    import keras

    return keras.saving.deserialize_keras_object(copy.deepcopy(architecture), safe_mode=True)


def _check_size(architecture, stored):
    """Counts the parameters without memory for them; in a thread, whose Keras state ends with it."""
    import keras

    def count():
        with keras.StatelessScope(initialize_variables=False):
            return _build(architecture).count_params()

    with ThreadPoolExecutor(1) as pool:
        parameters = pool.submit(count).result()
    if parameters > max(FREE_PARAMETERS, stored):
        raise UserError(f"the architecture has {parameters} parameters, its weights file {stored}: refused")


@contextlib.contextmanager
def _weights(path, folder):
    """Opens the weights; yields (a path with the only ending that Keras reads, h5py.File)."""
    import h5py

    if not path.is_file():
        raise UserError(f"{path}: no such file")
    ending = Path(folder, "model.weights.h5")
    with _one_line(path, "not a whole HDF5 file: give the weights as .hd5, .h5 or .keras"):
        if zipfile.is_zipfile(path):
            with _zip_member(path, ending.name) as source, open(ending, "wb") as target:
                shutil.copyfileobj(source, target)
        else:
            _link(path, ending)
        file = h5py.File(ending)
    with file:
        yield ending, file


def _link(path, new):
    try:
        new.symlink_to(path.resolve())
    except OSError:  # Windows, without the right to make links
        shutil.copyfile(path, new)


def _audit(file, path):
    """The number of values stored in `file`; UserError if it reaches for other files or more memory than it holds."""
    import h5py

    values = 0

    def check_link(name, link):
        if not isinstance(link, h5py.HardLink):
            raise UserError(f"{path}: {name!r} is a link, maybe to another file: refused")

    def count(name, item):
        nonlocal values
        if isinstance(item, h5py.Dataset):
            if item.external or item.is_virtual:
                raise UserError(f"{path}: {name!r} is stored in another file: refused")
            values += item.size or 0

    with _one_line(path, "damaged HDF5"):
        file.visititems_links(check_link)
        file.visititems(count)
    if values > max(FREE_PARAMETERS, path.stat().st_size):
        raise UserError(f"{path}: declares {values} values in {path.stat().st_size} bytes: refused")
    return values


def _load_weights(model, file, path):
    group = file.get("model_weights", file)
    if legacy.holds_weights(group):
        legacy.load_weights(model, group)
    elif "layers" not in file:
        raise UserError("not the weights of a Keras model")
    else:
        stored = _stored_shapes(file["layers"])
        if sum(len(shapes) for _, shapes in stored) > len(model.weights):  # Keras ignores what is left over
            raise UserError("the weights have more layers than the architecture")
        try:
            model.load_weights(path)
        except ValueError as error:
            raise UserError(_first_misfit(model, stored) or _cause(error)) from error


def _stored_shapes(layers):
    """[(layer name, [shape, ...]), ...] of the floating-point arrays in Keras 3 weights; the rest are seeds and counters."""
    stored = []

    def visit(path, group):
        if path.endswith("vars"):
            shapes = [group[key].shape for key in sorted(group, key=int) if group[key].dtype.kind == "f"]
            stored.append((group.attrs.get("name"), shapes))

    layers.visititems(visit)
    return stored


def _first_misfit(model, stored):
    names = [name for name, _ in stored]
    for layer in legacy.leaves(model):
        expected = [tuple(weight.shape) for weight in layer.weights]
        shapes = dict(stored).get(layer.name)
        if names.count(layer.name) == 1 and shapes and shapes != expected:
            return f"layer {layer.name!r} has the shapes {expected} in the architecture, {shapes} in the weights"
    return None
