"""What visualize_input.py writes: frames, animation, contact sheet, curve of the ascent, arrays and figures.

All pictures show `frames`, the 8-bit clip whose activation is reported: no frame is normalized by itself.
"""

import io
import platform
import re
from importlib.metadata import version

import numpy as np
from matplotlib.figure import Figure

from actioncnn import files
from actioncnn.cli import say, warn
from actioncnn.figures import charts, strips, text
from actioncnn.runs.tables import write_json

PERIOD = 120  # milliseconds a frame is shown
MUTED = (102, 102, 102)
SATURATED = 0.5  # share of pixels at the ends of the range that is worth a warning
MOST = 16  # frames of a strip
GAP = 4  # pixels between the tiles of an animation


def title_of(result, path, names):
    return text.shown(f"{path} {result.unit}" + (f" {names[result.unit]}" if names else ""), 200)


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


def tell(results, real, path, names):
    """Prints what was reached, and warns of what it is not."""
    for result, clip in zip(results, real, strict=True):
        title = title_of(result, path, names)
        best = f"; best real clip {clip.activation:.3g}: {clip.file}" if clip else ""
        say(f"{title}: {summary(result)}{best}")
        for problem in problems(result, names):
            warn(f"{title}: {problem}")


def write_results(directory, path, label, results, real, names, options):
    """Writes all files of the units of the layer `path` -> what the names of those about all of them begin with.

    label: what the units are called together, as in --index. real: RealClips, or None in place of each. names: of
    classes, or None. options: {name: value}, to be recorded.
    """
    stem = f"maximize_{re.sub(r'[^A-Za-z0-9.-]', '_', path)}"
    titles = [title_of(result, path, names) for result in results]
    for result in results:
        write_clip(directory, f"{stem}_{result.unit}", result)
    lines = [text.shown(f"{result.unit} {names[result.unit]}" if names else result.unit) for result in results]
    label = results[0].unit if len(results) == 1 else re.sub(r"[^\w,-]", "", label.lower())[:60]
    together = directory / f"{stem}_{label}"
    if len(results) > 1 and results[0].frames.shape[2] > 1:
        files.write(f"{together}.gif", strips.gif(tiled([result.frames for result in results], lines), PERIOD))
    files.write(f"{together}_sheet.png", strips.image(sheet(results, titles, real)))
    files.write(f"{together}_ascent.png", charts.png(ascent_curves, results, path, lines))
    write_json(f"{together}.json", facts(results, real, path, names, options))
    return together


def facts(results, real, path, names, options):
    units = []
    for result, clip in zip(results, real, strict=True):
        row = result._asdict() | {"class": names[result.unit] if names else None}
        del row["frames"], row["clip"]
        units.append(row | ({"real": {"file": clip.file, "activation": clip.activation}} if clip else {}))
    versions = {name: version(name) for name in ("tensorflow", "keras", "numpy")}
    versions["python"] = platform.python_version()
    return {"layer": path, "units": units, "options": options, "versions": versions}


def write_clip(directory, stem, result):
    """PNG of each frame in its native size, .npy in the model's input range, animated GIF."""
    flat, frames = result.clip.ndim == 3, result.frames
    for index in range(frames.shape[2]):
        number = "" if flat else f"_{index:0{len(str(frames.shape[2] - 1))}d}"
        pixels = strips.visible(frames[:, :, index])
        gray = frames.shape[-1] != 3
        files.write(directory / f"{stem}{number}.png", strips.image(pixels[..., 0] if gray else pixels))
    buffer = io.BytesIO()
    np.save(buffer, result.clip)
    files.write(directory / f"{stem}.npy", buffer.getvalue())
    if not flat:
        files.write(directory / f"{stem}.gif", strips.gif(tiled([frames]), PERIOD))


def tiled(clips, titles=None):
    """Clips uint8 (H, W, T, C) enlarged, side by side, with their titles if they are given: pages (T, H, W, 3)."""
    count = len(clips)
    side = 256 if count == 1 else 160 if count <= 16 else 96 if count <= 128 else 32
    side = max(side, *clips[0].shape[:2])
    tiles = np.array([[strips.enlarge(clip[:, :, t], side) for t in range(clip.shape[2])] for clip in clips])
    high, wide = tiles.shape[2:4]
    columns = int(np.ceil(np.sqrt(count * 1.5))) if count > 1 else 1
    top = 18 if titles and wide >= 96 else 0
    down, right = high + top + GAP, wide + GAP
    pages = np.full((tiles.shape[1], -(-count // columns) * down - GAP, columns * right - GAP, 3), 255, np.uint8)
    for place, tile in enumerate(tiles):
        y, x = place // columns * down, place % columns * right
        pages[:, y + top : y + top + high, x : x + wide] = tile
        if top:
            band = np.full((top, wide, 3), 255, np.uint8)
            text.draw(band, 2, 0, *text.fit(titles[place], wide - 2, 11))
            pages[:, y : y + top, x : x + wide] = band
    return pages


def sheet(results, titles, real):
    """Contact sheet: a row of frames for each unit, what was reached beside it; below it the best real clip."""
    rows = []
    for result, title, clip in zip(results, titles, real, strict=True):
        rows.append((result.frames, title, summary(result)))
        if clip:
            rows.append(
                (clip.frames, "best real clip", text.shown(f"activation {clip.activation:.3g}, {clip.file}", 80))
            )
    side = max(96 if len(rows) <= 4 else 64 if len(rows) <= 40 else 32, *results[0].frames.shape[:2])
    columns = 1 if len(rows) <= 20 else 2 if len(rows) <= 80 else 3
    pictures = [strips.strip(frames, side, MOST) for frames, _, _ in rows]
    high, wide = pictures[0].shape[0] + 38, max(pictures[0].shape[1], 400) + 20
    tall = -(-len(rows) // columns)
    canvas = np.full((tall * high + 8, columns * wide, 3), 255, np.uint8)
    for place, (picture, (_, title, note)) in enumerate(zip(pictures, rows, strict=True)):
        x, y = place // tall * wide + 10, place % tall * high + 8
        text.draw(canvas, x, y - 1, title, 13)
        text.draw(canvas, x + text.coverage(title, 13).shape[1] + 14, y, note, 12, MUTED)
        canvas[y + 20 : y + 20 + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas


def ascent_curves(results, path, names):
    """Figure: what was climbed by iteration, a line for each unit, named where there are few."""
    few = len(results) <= 10
    figure = Figure((8, 4.5))
    axes = figure.add_axes((0.1, 0.13, 0.62 if few else 0.86, 0.77))
    lines = [axes.plot(result.curve, linewidth=1.6)[0] for result in results]
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(title=f"Ascent of {text.shown(path)}", xlabel="iteration", ylabel="objective")
    if few:
        axes.legend(lines, names, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    return figure
