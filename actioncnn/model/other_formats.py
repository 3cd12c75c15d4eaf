"""Files that are no model as Keras saves it, told by their first bytes: what each is, and what to do."""

import json
import zipfile

LARGEST_JSON = 1 << 20  # bytes of a model.json of TensorFlow.js that are looked at
CONVERT = "in the program that made it, save the model with model.save('model.keras')"
LFS = "is a pointer of Git LFS, not the file itself: run `git lfs pull` in its repository"
TFLITE = "is a TFLite model, which cannot be read back: give the .keras or .h5 file that it was made from"
ONNX = "is an ONNX model, which Keras cannot read: give the .keras or .h5 file that it was made from"
GRAPH = "is a graph of TensorFlow without Keras layers: give the .keras or .h5 file that it was made from"
PICKLE = f"is a pickle, which can run code and is never opened: {CONVERT}"
TORCH = "is a model of PyTorch, which Keras cannot read; only models of Keras can be used"
NUMPY = "holds arrays of NumPy, and no model: give the model's .keras or .h5 file"
TFJS = (
    "is a model of TensorFlow.js: `pip install tensorflowjs`, then `tensorflowjs_converter --input_format "
    "tfjs_layers_model --output_format keras model.json model.h5` makes a file that can be read"
)
SAVED_MODEL = (
    "is a SavedModel, whose graph can do anything and is not run here: give the .keras or .h5 file that it was "
    "exported from"
)
SAVED_BY_KERAS_2 = (
    'is a SavedModel of Keras 2: `pip install tf_keras`, then `python -c "import tf_keras; '
    "tf_keras.models.load_model('FOLDER').save('model.h5')\"` makes a file that can be read; do this only if you trust "
    "it"
)
DATA = "is an HDF5 file with data, and holds no weights of a model: give the model's .keras or .h5 file"
FIRST_BYTES = {b"version https://git-lfs": LFS, b"\x93NUMPY": NUMPY, b"\x80": PICKLE}
ENDINGS = {".onnx": ONNX, ".pb": GRAPH, ".pbtxt": GRAPH, ".pkl": PICKLE, ".pickle": PICKLE, ".joblib": PICKLE}
ENDINGS |= {".pt": TORCH, ".pth": TORCH, ".tflite": TFLITE}


def what_else(path):
    """What a file or folder is that Keras cannot read as a model, and what helps; None where it is not known."""
    if path.is_dir():
        return _of_folder(path)
    with open(path, "rb") as file:
        start = file.read(32)
    if start[4:8] == b"TFL3":
        return TFLITE
    for first, text in FIRST_BYTES.items():
        if start.startswith(first):
            return text
    if start.startswith(b"PK") and zipfile.is_zipfile(path):
        return _of_archive(path)
    if start.lstrip()[:1] == b"{" and path.stat().st_size <= LARGEST_JSON:
        return _of_json(path)
    return ENDINGS.get(path.suffix.lower())


def _of_folder(path):
    if not (path / "saved_model.pb").is_file():
        return None
    return SAVED_BY_KERAS_2 if (path / "keras_metadata.pb").is_file() else SAVED_MODEL


def _of_archive(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if "config.json" in names:
        return None
    if any(name.endswith("data.pkl") for name in names):
        return TORCH
    return NUMPY if any(name.endswith(".npy") for name in names) else None


def _of_json(path):
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        return None
    return TFJS if isinstance(content, dict) and "modelTopology" in content else None


def is_data(file):
    """Whether an opened HDF5 file holds no weights of a model: neither Keras 1, 2 nor 3 wrote it."""
    return not {"layer_names", "model_config", "keras_version"} & {*file.attrs} and not {
        "layers",
        "model_weights",
        "_layer_checkpoint_dependencies",
        "vars",
    } & {*file}
