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
from actioncnn.figures import charts, mosaic, strips, text
from actioncnn.runs.tables import write_json

PERIOD = 120  # milliseconds a frame is shown
MUTED = text.rgb(text.GRAY)
SATURATED = 0.5  # share of pixels at the ends of the range that is worth a warning
MOST = 16  # frames of a strip
GAP = 4  # pixels between the tiles of an animation
LEAST = 300  # pixels, width of a unit in the contact sheet: room for its text


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
    stem, together = stems(directory, path, label, [result.unit for result in results])
    titles = [title_of(result, path, names) for result in results]
    for result in results:
        write_clip(directory, f"{stem.name}_{result.unit}", result)
    lines = [text.shown(f"{result.unit} {names[result.unit]}" if names else result.unit) for result in results]
    if len(results) > 1 and results[0].frames.shape[2] > 1:
        files.write(f"{together}.gif", strips.gif(draw_pages([result.frames for result in results], lines), PERIOD))
    files.write(f"{together}_sheet.png", strips.image(draw_sheet(results, titles, real)))
    files.write(f"{together}_ascent.png", charts.png(ascent_curves, results, path, lines))
    write_json(f"{together}.json", facts(results, real, path, names, options))
    return together


def stems(directory, path, label, units):
    """How the paths of files about units of the layer `path` begin: of each unit, and about all of them."""
    stem = f"maximize_{re.sub(r'[^A-Za-z0-9.-]', '_', path)}"
    label = units[0] if len(units) == 1 else re.sub(r"[^\w,-]", "", label.lower())[:60]
    return directory / stem, directory / f"{stem}_{label}"


def written(directory, path, label, units, shape):
    """Paths of what `write_results` writes; shape: that of a clip, (H, W, T, C), or of a frame, (H, W, C)."""
    stem, together = stems(directory, path, label, units)
    of_frames = endings(shape[2] if len(shape) == 4 else 0)
    of_each = [f"{stem}_{unit}{ending}" for unit in units for ending in (".npy", ".gif", *of_frames)]
    of_all = [f"{together}{ending}" for ending in (".gif", "_sheet.png", "_ascent.png", ".json")]
    return list(dict.fromkeys([*of_each, *of_all]))


def endings(depth):
    """How the names of the PNGs of a clip of `depth` frames end; 0: of a single frame."""
    return [f"_{index:0{len(str(depth - 1))}d}.png" for index in range(depth)] or [".png"]


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
    for index, ending in enumerate(endings(0 if flat else frames.shape[2])):
        pixels = strips.visible(frames[:, :, index])
        gray = frames.shape[-1] != 3
        files.write(directory / f"{stem}{ending}", strips.image(pixels[..., 0] if gray else pixels))
    buffer = io.BytesIO()
    np.save(buffer, result.clip)
    files.write(directory / f"{stem}.npy", buffer.getvalue())
    if not flat:
        files.write(directory / f"{stem}.gif", strips.gif(draw_pages([frames]), PERIOD))


def draw_pages(clips, titles=None):
    """Clips uint8 (H, W, T, C) enlarged, in a grid, below their titles if they are given: pages (T, H, W, 3)."""
    count = len(clips)
    side = 256 if count == 1 else 160 if count <= 16 else 96 if count <= 128 else 32
    side = max(side, *clips[0].shape[:2])
    tiles = [np.stack([strips.enlarge(frame, side) for frame in np.moveaxis(clip, 2, 0)]) for clip in clips]
    wide = tiles[0].shape[2]
    if titles and wide >= 96:
        tiles = [mosaic.below(mosaic.write(title, wide, 11), tile) for title, tile in zip(titles, tiles)]
    return mosaic.lay_out(tiles, int(np.ceil(np.sqrt(count * 1.5))), GAP)


def draw_sheet(results, titles, real):
    """Contact sheet: the frames of each unit below what was reached; below them the best real clip."""
    height, width, depth, _ = results[0].frames.shape
    shown = min(depth, MOST) * (len(results) + sum(clip is not None for clip in real))
    side = max(
        160 if depth == 1 and shown <= 128 else 96 if shown <= 128 else 64 if shown <= 640 else 32, height, width
    )
    tiles = []
    for result, title, clip in zip(results, titles, real, strict=True):
        strip = strips.strip(result.frames, side, MOST)
        wide = max(strip.shape[1], LEAST)
        tile = mosaic.below(mosaic.write(title, wide), mosaic.write(summary(result), wide, 12, color=MUTED), strip)
        if clip:
            note = f"best real clip: activation {clip.activation:.3g}, {clip.file}"
            both = mosaic.write(note, wide, 12, color=MUTED), strips.strip(clip.frames, side, MOST)
            tile = mosaic.below(tile, mosaic.below(*both), gap=8)
        tiles.append(tile)
    return mosaic.lay_out(tiles, gap=14, margin=10, down=True, min_width=LEAST)


def ascent_curves(results, path, names):
    """Figure: what was climbed by iteration, a line for each unit, named where there are few."""
    few = len(results) <= 10
    figure = Figure((8, 4.5))
    axes = figure.add_axes((0.1, 0.13, 0.62 if few else 0.86, 0.77))
    lines = [
        axes.plot(result.curve, linewidth=1.6, **charts.line_style(place))[0] for place, result in enumerate(results)
    ]
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set(title=f"Ascent of {text.shown(path)}", xlabel="iteration", ylabel="objective")
    if few:
        axes.legend(lines, names, loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False, fontsize=9)
    return figure
