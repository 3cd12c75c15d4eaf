"""What visualize_input.py writes: frames, animation, contact sheet, curve of the ascent, arrays and figures.

All pictures show `frames`, the 8-bit clip whose activation is reported: no frame is normalized by itself.
"""

import io
import json
import platform
import re
from importlib.metadata import version
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from actioncnn import film, maximize, objectives, pictures, report, units
from actioncnn.cli import UserError, warn

PERIOD = 120  # milliseconds a frame is shown
DARK, MUTED = (0, 0, 0), (102, 102, 102)
SATURATED = 0.5  # share of pixels at the ends of the range that is worth a warning


def make(model, path, layer, chosen, settings, args):
    """Maximizes the units `chosen` of a layer of a model and writes everything to args.output."""
    try:
        args.output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--output {args.output}: {error.strerror}; name another directory") from error
    bar = lambda steps: tqdm(steps, desc=path, unit="step", mininterval=0.5, leave=False)  # noqa: E731
    results = maximize.maximize(model, layer, chosen, settings, bar)
    count = units.count(model, layer)
    names = class_names(args, count) if results[0].probability is not None else None
    titles = [f"{path} {result.unit}" + (f" {names[result.unit]}" if names else "") for result in results]
    real = best_real(model, layer, chosen, settings, args, names) if args.videos else [None] * len(results)
    for result, title, clip in zip(results, titles, real, strict=True):
        print(f"{title}: {summary(result)}" + (f"; best real clip {clip[1]:.3g}: {clip[2]}" if clip else ""))
        for problem in problems(result, names):
            warn(f"{title}: {problem}")
    write(results, titles, real, path, names, args)


def class_names(args, count):
    """Names of the classes, one for each of `count` units, or None where there is no such file."""
    file = args.classes or args.model.parent / "classes.txt"
    if not file.is_file():
        if args.classes:
            raise UserError(f"--classes {file}: no such file")
        return None
    names = report.read_classes(file.parent) if file.name == "classes.txt" else file.read_text("utf-8").splitlines()
    if len(names) == count:
        return [pictures.shown(name) for name in names]
    if args.classes:
        raise UserError(f"--classes {file}: has {len(names)} names; the layer has {count} units")
    return None


def summary(result):
    certain = "" if result.probability is None else f", probability {result.probability:.3f}"
    return f"activation {result.before:.3g} -> {result.saved:.3g}{certain}"


def problems(result, names):
    """What a user should know before trusting the pictures, in a line each."""
    if not result.saved > result.before:
        yield "the activation did not rise; try more --iter, another --seed, or the unit may be dead"
    if np.isin(result.frames, (0, 255)).mean() > SATURATED:
        yield "more than half of the pixels are black or white"
    if result.winner is not None and result.winner != result.unit:
        yield f"the network takes it for class {names[result.winner] if names else result.winner}; try more --iter"


def best_real(model, layer, chosen, settings, args, names):
    """(frames uint8 (H, W, T, C), activation, file) of the clip in args.videos that each unit responds to most."""
    from actioncnn import clips, dataset
    from actioncnn.data import Sampling

    height, width, *depth, channels = units.input_shape(model)
    if height != width or channels not in (1, 3):
        raise UserError(f"--videos: the model takes frames of {width}x{height}x{channels}, not square gray or RGB ones")
    videos = dataset.scan(args.videos)
    if names:
        videos, _ = dataset.choose_classes(videos, len(names))
    sampling = Sampling(height, depth[0] if depth else 0, channels == 3, True)
    array, failures = clips.load(videos, **sampling.options())
    array = sampling.pick(array)
    good = np.array([row for row in range(len(videos)) if row not in failures])
    values = np.concatenate(
        [
            activations(model, layer, chosen, film.to_input(array[rows], settings))
            for rows in np.array_split(good, -(-len(good) // maximize.CHUNK))
        ]
    )
    best = good[values.argmax(0)]
    return [
        (np.reshape(array[row], (height, width, -1, channels)), float(value), videos[row].path.name)
        for row, value in zip(best, values.max(0), strict=True)
    ]


def activations(model, layer, chosen, inputs):
    """Activation (B, units) of each unit `chosen` for each clip."""
    seen = units.look(model, layer, inputs)
    return np.stack([objectives.measure(seen, np.full(len(inputs), unit)).numpy() for unit in chosen], 1)


def write(results, titles, real, path, names, args):
    stem = f"maximize_{re.sub(r'[^A-Za-z0-9.-]', '_', path)}"
    for result, title in zip(results, titles, strict=True):
        write_clip(args.output, f"{stem}_{result.unit}", result, title, args)
    label = results[0].unit if len(results) == 1 else re.sub(r"[^\w,-]", "", args.index.lower())[:60]
    stem = args.output / f"{stem}_{label}"
    save = lambda ending, data: report.write_file(Path(f"{stem}{ending}"), data)  # noqa: E731
    if len(results) > 1 and results[0].frames.shape[2] > 1:
        save(".gif", gif([result.frames for result in results], titles, len(results)))
    save("_sheet.png", sheet(results, titles, real))
    lines = [f"{result.unit} {names[result.unit]}" if names else str(result.unit) for result in results]
    save("_ascent.png", pictures.png(ascent_curves, results, path, lines))
    save(".json", json.dumps(facts(results, real, path, names, args), indent=1))
    print(f"results: {stem}*")


def facts(results, real, path, names, args):
    found = []
    for result, clip in zip(results, real, strict=True):
        row = result._asdict() | {"class": names[result.unit] if names else None}
        del row["frames"], row["clip"]
        found.append(row | ({"real": {"file": clip[2], "activation": clip[1]}} if clip else {}))
    versions = {name: version(name) for name in ("tensorflow", "keras", "numpy")} | {
        "python": platform.python_version()
    }
    return report.plain({"layer": path, "units": found, "options": vars(args), "versions": versions})


def write_clip(directory, stem, result, title, args):
    """PNG of each frame in its native size, .npy in the model's input range, animated GIF."""
    flat = result.clip.ndim == 3
    frames = result.frames
    for index in range(frames.shape[2]):
        number = "" if flat else f"_{index:0{len(str(frames.shape[2] - 1))}d}"
        report.write_file(directory / f"{stem}{number}.png", image_bytes(visible(frames[:, :, index]), "PNG"))
    buffer = io.BytesIO()
    np.save(buffer, result.clip)
    report.write_file(directory / f"{stem}.npy", buffer.getvalue())
    if not flat:
        report.write_file(directory / f"{stem}.gif", gif([frames], [title], 1))


def visible(frame):
    """(H, W, C) uint8 -> (H, W) or RGB (H, W, 3): the mean of channels that are neither gray nor RGB."""
    channels = frame.shape[-1]
    return frame if channels == 3 else frame[..., 0] if channels == 1 else frame.mean(-1).round().astype(np.uint8)


def image_bytes(array, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind, **options)
    return buffer.getvalue()


def font(size):
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf"), size)


def gif(clips, titles, count):
    """Animated GIF of clips uint8 (H, W, T, C) side by side, enlarged, with their titles where there are several."""
    side = 256 if count == 1 else 160 if count <= 16 else 96 if count <= 128 else 32
    tiles = [[enlarge(visible(clip[:, :, t]), side, cv2.INTER_NEAREST) for t in range(clip.shape[2])] for clip in clips]
    columns = int(np.ceil(np.sqrt(count * 1.5))) if count > 1 else 1
    high, wide = tiles[0][0].shape[:2]
    top = 18 if count > 1 and wide >= 96 else 0
    frames = []
    for t in range(len(tiles[0])):
        canvas = Image.new("RGB", (columns * (wide + 4) - 4, -(-count // columns) * (high + top + 4) - 4), "white")
        for place, (tile, title) in enumerate(zip(tiles, titles, strict=True)):
            x, y = place % columns * (wide + 4), place // columns * (high + top + 4)
            if top:
                ImageDraw.Draw(canvas).text((x + 2, y + 2), fit(title, wide, 11), DARK, font(11))
            canvas.paste(Image.fromarray(tile[t]), (x, y + top))
        gray = clips[0].shape[-1] != 3
        frames.append(canvas.convert("L") if gray else canvas)
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=PERIOD, loop=0)
    return buffer.getvalue()


def fit(title, width, size):
    """The end of a title that is as wide as `width` at most."""
    while len(title) > 4 and font(size).getlength(title) > width:
        title = "…" + title[2:]
    return title


def enlarge(frame, side, how):
    """A frame whose longer side is the largest multiple of its own up to `side`, RGB."""
    scale = max(side // max(frame.shape[:2]), 1)
    frame = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=how)
    return frame if frame.ndim == 3 else np.repeat(frame[..., None], 3, -1)


def sheet(results, titles, real):
    """Contact sheet: a row of frames for each unit, what was reached beside it; below it the best real clip."""
    rows = []
    for result, title, clip in zip(results, titles, real, strict=True):
        rows.append((result.frames, title, summary(result)))
        if clip:
            rows.append((clip[0], "best real clip", f"activation {clip[1]:.3g}   {clip[2]}"))
    side = 96 if len(rows) <= 4 else 64 if len(rows) <= 40 else 32
    columns = 1 if len(rows) <= 20 else 2 if len(rows) <= 80 else 3
    strips = [strip(frames, side) for frames, _, _ in rows]
    high, wide = strips[0].shape[0] + 38, max(strips[0].shape[1], 400) + 20
    tall = -(-len(rows) // columns)
    canvas = Image.new("RGB", (columns * wide, tall * high + 8), "white")
    draw = ImageDraw.Draw(canvas)
    for place, (picture, (_, title, text)) in enumerate(zip(strips, rows, strict=True)):
        x, y = place // tall * wide + 10, place % tall * high + 8
        draw.text((x, y), title, DARK, font(13))
        draw.text((x + font(13).getlength(title) + 14, y + 1), text, MUTED, font(12))
        canvas.paste(Image.fromarray(picture), (x, y + 20))
    return image_bytes(np.asarray(canvas), "PNG")


def strip(clip, side):
    """Frames of a clip (H, W, T, C) side by side, 16 at most, in RGB."""
    shown = np.unique(np.linspace(0, clip.shape[2] - 1, 16).round().astype(int))
    frames = [enlarge(visible(clip[:, :, t]), side, cv2.INTER_NEAREST) for t in shown]
    gap = np.full((len(frames[0]), 3, 3), 255, np.uint8)
    return np.hstack([part for frame in frames for part in (frame, gap)][:-1])


def ascent_curves(results, path, names):
    """What was climbed by iteration, a line for each unit, named where there are few."""
    few = len(results) <= 10
    figure = pictures.blank(8, 4.5)
    axes = figure.add_axes((0.1, 0.13, 0.62 if few else 0.86, 0.77))
    for result, name in zip(results, names, strict=True):
        axes.plot(result.curve, linewidth=1.6, label=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(title=f"Ascent of {pictures.shown(path)}", xlabel="iteration", ylabel="objective")
    if few:
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    return figure
