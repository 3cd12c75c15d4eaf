"""A model's files, in: as saving.py writes them, as Keras 1 and 2 did (legacy.py), or one `.keras` or full-model `.h5`.

What a file from a stranger may contain, audit.py decides.
"""

import contextlib
import json
import shutil
import warnings
import zipfile
from pathlib import Path

from actioncnn import files
from actioncnn.errors import UserError
from actioncnn.model import audit, build, channels, hard_sigmoid, legacy, other_formats
from actioncnn.model.saving import FACTS, KERAS_ENDING

NO_MODEL = "no model in it (JSON, .keras or full-model .h5)"
MAX_JSON_BYTES = 64 << 20  # of one's own models; an ensemble of 100 networks needs 1 MB


def read_facts(path):
    """What save_model wrote beside a model, from a file of weights or a `.keras` file; {} where there is nothing.

    "classes" is a list of text, or missing. The rest may come from a stranger: check it where it is used.
    """
    import h5py

    facts = {}
    with contextlib.suppress(Exception):  # a damaged or hostile file; load_model raises the error
        if zipfile.is_zipfile(path):
            with _zip_member(Path(path), "metadata.json") as file:
                facts = json.loads(file.read(MAX_JSON_BYTES))
        else:
            with h5py.File(path) as file:
                facts = {name: json.loads(file.attrs[name]) for name in FACTS if name in file.attrs}
    if not isinstance(facts, dict):
        return {}
    names = facts.get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        facts.pop("classes", None)
    return facts


def load_model(json_path, hd5_path=None, asked=None):
    """The model in `json_path` with the weights in `hd5_path`, as an uncompiled keras.Model.

    json_path: JSON of Keras 1, 2 or 3; or a `.keras` or full-model `.h5` file, which needs no `hd5_path`.
    hd5_path: HDF5 of Keras 1, 2 or 3, whatever its ending; a full-model `.h5` or a `.keras` file serves as well.
    asked: a reading.Asked, whose --depth and --size are those of the input where the model leaves them open.
    Raises UserError, one line, for whatever is missing, damaged, unsafe or does not fit.
    """
    import h5py

    json_path, hd5_path = Path(json_path), Path(hd5_path or json_path)
    check_kind(json_path)
    with _one_line(json_path, NO_MODEL):
        architecture, old = _read_architecture(json_path)
    check_kind(hd5_path)
    files.sweep()
    with files.temporary_folder() as folder:
        with _one_line(hd5_path, "no HDF5 file of weights, or a damaged one"):
            weights = _weights_file(hd5_path, folder)
            with h5py.File(weights) as file:
                stored = audit.check_weights(file, weights.stat().st_size)
                if other_formats.is_data(file):
                    raise UserError(other_formats.DATA)
        with _one_line(json_path, "Keras cannot build this model"):
            if asked:
                from actioncnn.model import open_sizes  # imports Keras

                architecture = open_sizes.fill(architecture, asked)
            audit.check_outline(build.in_outline(architecture, audit.sizes_of), stored)
            model = build.build_network(architecture)
        with _one_line(hd5_path, f"does not fit {json_path}"), h5py.File(weights) as file:
            _load_weights(model, file, weights)
        with _one_line(hd5_path, NO_MODEL):
            audit.check_numbers(model)
        with _one_line(json_path, "Keras cannot build this model"):
            if old:
                hard_sigmoid.stretch(model)
    return model


def outlined(path, function):
    """function(model) of the model in `path`, without its weights. Raises UserError, one line, as load_model."""
    path = Path(path)
    check_kind(path)
    with _one_line(path, NO_MODEL):
        architecture, _ = _read_architecture(path)
    with _one_line(path, "Keras cannot build this model"):
        return build.in_outline(architecture, function)


@contextlib.contextmanager
def _one_line(path, problem):
    try:
        yield
    except UserError as error:
        raise UserError(f"{path}: {str(error)[:400]}") from error
    except Exception as error:  # a damaged or hostile file can make Keras and HDF5 fail in any way
        raise UserError(f"{path}: {problem}: {_cause(error)}") from error


def _cause(error):
    return " ".join(str(error).rpartition("Exception encountered: ")[2].split())[:300]


def _read_architecture(path):
    """(config for Keras 3, whether it was one of Keras 1 or 2)."""
    config = audit.parsed(_read_json(path))
    if not isinstance(config, dict) or config.get("class_name") not in legacy.MODELS:
        raise UserError("valid JSON, but not of a Sequential or functional Keras model")
    if old := legacy.is_config(config):
        config = legacy.translate(config)
    sequential = config["class_name"] == "Sequential"
    audit.bounded("layers", audit.count_layers(config))
    vetted = audit.vetted({"module": "keras" if sequential else audit.FUNCTIONAL} | config)
    return channels.channels_last(vetted), old


def check_kind(path):
    """UserError: there is no such file, or it is known to be something else than a model of Keras."""
    with _one_line(path, NO_MODEL):
        if not path.is_file():
            raise UserError("no such file")
        if text := other_formats.what_else(path):
            raise UserError(text)


def _read_json(path):
    import h5py

    if zipfile.is_zipfile(path):
        with _zip_member(path, "config.json") as file:
            return file.read(MAX_JSON_BYTES)
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            audit.check_weights(file, path.stat().st_size)
            if other_formats.is_data(file):
                raise UserError(other_formats.DATA)
            if "model_config" not in file.attrs:
                raise UserError("holds weights only: give the JSON of the model, and this file as the weights")
            return file.attrs["model_config"]
    with open(path, "rb") as file:
        return file.read(MAX_JSON_BYTES)


@contextlib.contextmanager
def _zip_member(path, name):
    with zipfile.ZipFile(path) as archive:
        if name not in archive.namelist():
            raise UserError(f"a zip archive without {name}: not a .keras file")
        info = archive.getinfo(name)
        audit.check_unpacked(info)
        with archive.open(name) as file:
            yield file


def _weights_file(path, folder):
    """The weights in `path`, under the only ending that Keras reads."""
    if not path.is_file():
        raise UserError("no such file")
    if not zipfile.is_zipfile(path):
        return linked(path, folder)
    new = folder / f"model{KERAS_ENDING}"
    with _zip_member(path, new.name) as source, open(new, "wb") as target:
        shutil.copyfileobj(source, target)
    return new


def linked(path, folder):
    """A link in a folder to a file of weights, or a copy of it, under the only ending that Keras reads."""
    new = Path(folder, f"model{KERAS_ENDING}")
    try:
        new.symlink_to(Path(path).resolve())
    except OSError:  # Windows, without the right to make links
        shutil.copyfile(path, new)
    return new


def _load_weights(model, file, path):
    group = file.get("model_weights", file)
    if legacy.holds_weights(group):
        legacy.load_weights(model, group)
    elif "layers" not in file:
        raise UserError("holds no weights of a Keras model")
    else:
        stored = _stored_shapes(file["layers"])
        if sum(len(shapes) for _, shapes in stored) > _count_kept(model):  # Keras passes over what is left
            raise UserError(
                _first_misfit(model, stored) or "holds the weights of more layers than the architecture has"
            )
        try:
            with warnings.catch_warnings(action="error", category=UserWarning):  # that some weights stay as they are
                model.load_weights(path)
        except (ValueError, UserWarning) as error:
            raise UserError(_first_misfit(model, stored) or _cause(error)) from error


def _stored_shapes(layers):
    """[(layer name, [shape, ...]), ...] of the float arrays in Keras 3 weights; the others are seeds and counts."""
    groups = []
    layers.visititems(lambda path, item: groups.append(item) if path.endswith("vars") else None)
    return [
        (group.attrs.get("name"), [group[key].shape for key in sorted(group, key=int) if group[key].dtype.kind == "f"])
        for group in groups
    ]


def _count_kept(model):
    """How many arrays Keras writes of a model's weights; SpectralNormalization keeps its layer's kernel once more."""
    kept = [layer._trainable_variables + layer._non_trainable_variables for layer in set(model._flatten_layers())]
    return sum(map(len, kept))


def _first_misfit(model, stored):
    names = [name for name, _ in stored]
    for layer in legacy.leaves(model):
        expected = [tuple(weight.shape) for weight in layer.weights]
        shapes = dict(stored).get(layer.name)
        if names.count(layer.name) == 1 and shapes and shapes != expected:
            return f"layer {layer.name!r} has the shapes {expected} in the architecture, {shapes} in the weights"
    return None
