"""Model files that would cost the machine, of each kind known: a byte of them grows to gigabytes, or takes minutes."""

import json
import zipfile

import h5py
import numpy as np

SHAPE = (6, 6, 4, 1)


def written(path, config):
    path.write_text(config if isinstance(config, str) else json.dumps(config))


def layer(kind, **config):
    return {"class_name": kind, "module": "keras.layers", "config": config}


def sequential(*layers, shape=SHAPE):
    """The config of a Sequential model that ends as a classifier."""
    steps = [layer("InputLayer", batch_shape=[None, *shape]), *layers]
    steps += [layer("Flatten", name="flat"), layer("Dense", units=2, name="dense", activation="softmax")]
    return {"class_name": "Sequential", "module": "keras", "config": {"name": "m", "layers": steps}}


def nested(depth):
    config = sequential()
    for number in range(depth):
        config["config"]["name"] = f"m{number}"
        config = sequential() | {"config": {"name": "outer", "layers": [*sequential()["config"]["layers"][:1], config]}}
    return config


def chain(count):
    return [layer("Conv3D", name=f"c{number}", filters=2, kernel_size=[1, 1, 1]) for number in range(count)]


ARCHITECTURES = {  # written when they are asked for
    "5,000 layers": lambda: sequential(*chain(5000)),
    "1,900 layers": lambda: sequential(*chain(1900)),
    "a layer that repeats its input": lambda: sequential(layer("RepeatVector", n=10**9), shape=(8,)),
    "2,000,000 frames": lambda: sequential(chain(1)[0], shape=(64, 64, 2_000_000, 3)),
    "a flat input of many values": lambda: sequential(shape=(10**4, 10**4, 10**4, 3)),
    "enlarged": lambda: sequential(layer("UpSampling3D", size=[999, 999, 999])),
    "padded": lambda: sequential(layer("ZeroPadding3D", padding=[[0, 10**6], [0, 10**6], [0, 9]])),
    "a wide dense layer": lambda: sequential(layer("Dense", units=10**9, name="wide")),
    "many filters": lambda: sequential(layer("Conv3D", filters=10**7, kernel_size=[3, 3, 3])),
    "a large kernel": lambda: sequential(layer("Conv3D", filters=2, kernel_size=[999] * 3, padding="same")),
    "a large embedding": lambda: sequential(layer("Embedding", input_dim=10**9, output_dim=999), shape=(4,)),
    "a large constant": lambda: sequential(layer("Rescaling", scale=[1.0] * 900_000)),
    "a large picture": lambda: sequential(layer("Resizing", height=10**6, width=10**6), shape=(8, 8, 1)),
    "models in models": lambda: nested(30),
    "60 MB of JSON": lambda: sequential() | {"more": ["x" * 60] * 900_000},
    "deep JSON": lambda: "[" * 200_000 + "]" * 200_000,
    "deep JSON in a config": lambda: '{"class_name": "Sequential", "config": ' + '{"a":' * 90_000 + "1" + "}" * 90_001,
    "a number of many digits": lambda: json.dumps(sequential()).replace('"units": 2', f'"units": {"9" * 4000}'),
}


def deep(file):
    file.create_group("/".join("g" * 1000))


def many(file):
    for number in range(100_000):
        file.create_group(f"{number % 100}/{number}")


def vast(file):
    file.create_dataset("layers/a", (10**9,), np.dtype(("V", 1 << 30)), chunks=(1,))


def packed(file):
    file.create_dataset("layers/a", (10**8 - 1,), "f8", chunks=(10**6,), compression="gzip", fillvalue=0)[:: 10**6] = 1


def attributes(file):
    for number in range(2000):
        file.create_group(f"{number}").attrs["x"] = np.zeros(8000)


def round_about(file):
    group = file.create_group("layers/a")
    for number in range(200):
        group[f"{number}"] = file["layers"]


def legacy(file, names):
    """Weights as Keras 2 wrote them, of a layer that names these arrays; the first is there."""
    layer = file.create_group("dense")
    layer[names[0]] = np.zeros((1000, 1000), np.float32)
    layer.attrs["weight_names"] = [name.encode() for name in names]
    file.attrs["layer_names"] = [b"dense"]


def one_array(file):
    legacy(file, ["a"] * 60)


def one_array_spelled(file):
    legacy(file, ["/" * number + "dense/" + "/" * number + "a" for number in range(1, 60)])


def one_array_linked(file):
    legacy(file, ["0", *map(str, range(1, 60))])
    for number in range(1, 60):
        file["dense"][str(number)] = file["dense/0"]


def one_group_linked(file):
    legacy(file, ["a"])
    for number in range(60):
        file[str(number)] = file["dense"]
    file.attrs["layer_names"] = [str(number).encode() for number in range(60)]


WEIGHTS = {
    "an array named 60 times": one_array,
    "an array in 60 spellings": one_array_spelled,
    "an array with 60 links": one_array_linked,
    "a group with 60 links": one_group_linked,
    "groups in groups": deep,
    "100,000 groups": many,
    "values of a gigabyte": vast,
    "zeros, packed": packed,
    "many attributes": attributes,
    "groups in circles": round_about,
}


def bz2(archive):
    archive.writestr("config.json", b" " * (1 << 28), zipfile.ZIP_BZIP2)


def deflated(archive):
    archive.writestr("config.json", b" " * (1 << 28), zipfile.ZIP_DEFLATED)


def zeros(archive):
    archive.writestr("config.json", json.dumps(sequential()))
    with archive.open(zipfile.ZipInfo("model.weights.h5"), "w", force_zip64=True) as file:
        for _ in range(1 << 9):
            file.write(bytes(1 << 20))


def members(archive):
    archive.writestr("config.json", json.dumps(sequential()))
    for number in range(65_000):
        archive.writestr(f"{number}", b"")


def lies(path):
    """The header says that a member of 256 MB has 9 bytes."""
    size = (1 << 28).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (9).to_bytes(4, "little")))


ARCHIVES = {
    "bz2 in .keras": (bz2, None),
    "a packed .keras": (deflated, None),
    "a packed .keras that lies": (deflated, lies),
    "a bz2 .keras that lies": (bz2, lies),
    "zeros as weights": (zeros, None),
    "65,000 members": (members, None),
}


def write(kind, folder):
    """Writes a hostile model -> (architecture, weights or None)."""
    json_path, weights, keras_path = folder / "m.json", folder / "m.hd5", folder / "m.keras"
    if kind in ARCHIVES:
        fill, change = ARCHIVES[kind]
        with zipfile.ZipFile(keras_path, "w", zipfile.ZIP_DEFLATED) as archive:
            fill(archive)
        if change:
            change(keras_path)
        return keras_path, None
    written(json_path, ARCHITECTURES[kind]() if kind in ARCHITECTURES else sequential())
    with h5py.File(weights, "w") as file:
        file.create_group("layers")
        WEIGHTS.get(kind, lambda file: None)(file)
    return json_path, weights


KINDS = [*ARCHITECTURES, *WEIGHTS, *ARCHIVES]
SLOW = {"100,000 groups", "zeros, packed", "many attributes", "60 MB of JSON", "zeros as weights", "65,000 members"}
QUICK = [kind for kind in KINDS if kind not in SLOW]  # to write
