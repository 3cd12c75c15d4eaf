"""A model's files, out: the architecture as JSON, the weights as HDF5 (`.hd5`), both as one `.keras` file."""

import io
import json
import zipfile

from actioncnn import __version__, files

VERSION = "actioncnn"  # the name by which a file tells the version of the suite that wrote it
KERAS_ENDING = ".weights.h5"  # the only one of weights that Keras 3 writes and reads
FACTS = "classes", "sampling", "origin", "reading", "head"  # what the files may tell beside the model
MARK = {"origin": "actioncnn"}  # facts that only a training run of this suite writes: its networks take raw 0-255


def save_model(model, json_path=None, hd5_path=None, keras_path=None, facts=None):
    """Writes the architecture to `json_path`, the weights to `hd5_path`, both to `keras_path`, as far as given.

    No optimizer state; the same model gives the same bytes. facts: what the weights and the `.keras` file tell beside,
    a dict for JSON with some of the names in FACTS. UserError: a file cannot be written.
    """
    architecture = {name: part for name, part in json.loads(model.to_json()).items() if name != "compile_config"}
    weights = _weights(model, facts or {})
    if hd5_path:
        files.write(hd5_path, weights)
    if keras_path:
        files.write(keras_path, _archive(architecture, weights, facts or {}))
    if json_path:
        files.write(json_path, json.dumps(architecture, indent=1))


def _weights(model, facts):
    """An HDF5 file as bytes, made in memory: HDF5 takes the process with it where the disk is full."""
    import h5py
    from keras.src.saving import saving_lib  # Keras's own `save` takes paths alone

    kept, everything, content = model.compiled, io.BytesIO(), io.BytesIO()
    model.compiled = False
    try:
        saving_lib.save_model(model, everything)
    finally:
        model.compiled = kept
    with zipfile.ZipFile(everything) as archive:
        stored = io.BytesIO(archive.read(f"model{KERAS_ENDING}"))
    with h5py.File(stored) as source, h5py.File(content, "w") as target:
        source.visititems(lambda name, item: None if name.startswith("optimizer") else _checked(item, target, name))
        for name, value in facts.items():
            target.attrs[name] = json.dumps(value)
        target.attrs[VERSION] = __version__
    return content.getvalue()


def _checked(item, target, name):
    """A copy of an HDF5 group or array, the array with checksums: what becomes of its bytes later is noticed."""
    if hasattr(item, "shape"):
        whole = {"fletcher32": True, "chunks": item.shape}
        copy = target.create_dataset(name, data=item[()], **(whole if item.size and item.shape else {}))
    else:
        copy = target.create_group(name)
    copy.attrs.update(item.attrs)


def _archive(architecture, weights, facts):
    """A `.keras` file as bytes; nothing in it tells the time."""
    import keras

    parts = {
        "metadata.json": json.dumps({"keras_version": keras.__version__, VERSION: __version__} | facts, indent=1),
        "config.json": json.dumps(architecture),
        f"model{KERAS_ENDING}": weights,
    }
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, part in parts.items():
            archive.writestr(zipfile.ZipInfo(name), part)
    return content.getvalue()
