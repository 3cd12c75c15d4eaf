"""report.html of one run: what was trained on what, how well, what is taken for what, and the clips to look at."""

import shlex

import numpy as np

from actioncnn.cli import count, warn
from actioncnn.errors import one_line
from actioncnn.pages import page, svg
from actioncnn.pages.comparison import compare
from actioncnn.pages.comparison_text import interval, percent
from actioncnn.pages.svg import named, text
from actioncnn.runs.run import read_run

PAIRS = 6  # of confused classes whose clips are shown
OF_PAIR = 2  # clips of one class that were taken for the other
MISTAKES = 12  # the most confident ones
LISTED = 300  # confusions in the list
NAME = "report.html"


def try_to_write(folder, clips=None):
    """`write` at the end of a training run, which no page may cost."""
    try:
        write(folder, clips)
    except Exception as error:  # as a picture, a page is the least of a run's results
        warn(f"warning: {folder / NAME} is not written: {one_line(error)}")


def write(folder, clips=None, path=None, look=None):
    """Writes the page of the run in a folder to `path`, by default report.html in it.

    clips: a function of a run and a list of rows of its predictions that gives {row: uint8 (H, W, T, C) or (H, W, C)}
    of those clips that it has; None: the page is without. look: a function of a run and {row: clip} of its mistakes
    that gives {row: [(class name, clip with what speaks for that class drawn over it, RGB)]}.
    """
    run = read_run(folder)
    chosen = choose_clips(run)
    found = clips(run, sorted({row for rows in chosen.values() for row in rows})) if clips else {}
    wrong = {row: found[row] for row in chosen["mistakes"] if row in found}
    seen = look(run, wrong) if look else {}
    found = {row: page.animation(clip) for row, clip in found.items()}
    parts = [head(run), training(run), matrix(run), confusions(run, chosen, found)]
    parts += [mistakes(run, wrong, found, seen), by_class(run), settings(run)]
    page.write_page(path or folder / NAME, f"{run.name}: {run.script}", parts)


def choose_clips(run):
    """{pair of labels, or "mistakes": rows of clips to show}, the surest first."""
    label = {name: number for number, name in enumerate(run.classes)}
    true, predicted = (np.array([label[name] for name in names]) for names in (run.true, run.predicted))
    order = np.argsort([-ranked[0][1] for ranked in run.ranked], kind="stable")
    chosen = {}
    for i, j in worst(run.matrix)[:PAIRS]:
        wanted = ((i, j, OF_PAIR), (i, i, 1), (j, j, 1))
        chosen[i, j] = [row for a, b, n in wanted for row in order[(true == a)[order] & (predicted == b)[order]][:n]]
    chosen["mistakes"] = order[(true != predicted)[order]][:MISTAKES]
    return {key: [int(row) for row in rows] for key, rows in chosen.items()}


def worst(counts):
    """Confused pairs of labels (true, predicted), the most frequent first."""
    clips = counts.sum(1)
    wrong = [(i, j) for i, j in np.argwhere(counts) if i != j]
    return sorted(wrong, key=lambda pair: (-counts[pair], -counts[pair] / clips[pair[0]], pair))


def head(run):
    """What was trained on what, how right it is, and what a reader must know."""
    compared, args, counts = compare([run]), run.record, run.record.get("counts", {})
    row = compared.rows[0]
    sides = count(len(run.files), "test clip") + f" of {count(compared.groups, 'group')}" * bool(compared.groups)
    sides += f", {count(counts['train'], 'training clip')}" if "train" in counts else ""
    about = page.facts(
        [
            ("network", run.script),
            ("parameters", f"{args['parameters']:,}" if args.get("parameters") else None),
            ("videos", run.options.get("videos")),
            ("classes", len(run.classes)),
            ("split", f"{args.get('split', '?')}: {sides}"),
            ("top-5", f"{percent(row['top5'])} %" if len(run.classes) > 5 else None),
            ("mean class accuracy", f"{percent(row['mean_class_accuracy'])} %"),
            ("95 % interval", f"{interval(row['by_clips'])} if clips were independent (Wilson)"),
            ("", f"{interval(row['by_groups'])} by resampling groups" if compared.groups > 1 else None),
            ("device", ", ".join(str(args[name]) for name in ("device", "precision") if args.get(name)) or None),
        ]
    )
    chance = f"chance is {percent(1 / len(run.classes))} %" if run.classes else ""
    top1 = f'<span class="big">{percent(row["top1"])} %</span> of the test clips are right; {chance}'
    title = f"<h1>{named(run.name)}</h1><p>{top1}</p>"
    lines = dict.fromkeys([*run.notes, *compared.notes])
    return f"<header>{title}{about}{''.join(map(page.note, lines))}</header>"


def training(run):
    """Curves of accuracy and loss of each network that was trained."""
    names = [f"{name} {kind}".strip() for name in run.histories for kind in ("training", "validation")]
    drawn = []
    for title, keys in (("Accuracy", ("acc", "val_acc")), ("Loss", ("loss", "val_loss"))):
        rows = [(history, key) for history in run.histories.values() for key in keys]
        series = [
            ([row["epoch"] for row in history], [row.get(key, np.nan) for row in history], number)
            for number, (history, key) in enumerate(rows)
        ]
        drawn.append(svg.curves(title, series))
    return page.section("Training", f'<div class="charts">{"".join(drawn)}</div>{svg.legend(names)}' if names else "")


def matrix(run):
    how = "Rows: true classes. Columns: what they are taken for. Point at a cell, tap it, or use the arrow keys."
    drawn = page.scroll(svg.matrix(run.matrix, run.classes), "confusion matrix")
    return page.section("Confusion matrix", f'<p class="soft">{how}</p>', '<output aria-live="polite"></output>', drawn)


def confusions(run, chosen, found):
    """The worst confusions: clips of one class that were taken for another, beside right ones of both."""
    counts, names = run.matrix, run.classes
    pairs = worst(counts)
    if not pairs:
        return page.section("Worst confusions", "<p>No clip is wrong.</p>")
    parts = []
    for i, j in pairs[:PAIRS] if found else ():
        tiles = [tile(run, row, found[row]) for row in chosen[i, j] if row in found]
        title = f"{named(names[i])} taken for {named(names[j])}: {counts[i, j]} of {counts[i].sum()} clips"
        parts.append(f'<h3>{title}</h3><div class="clips">{"".join(tiles)}</div>')
    rows = [(f"{names[i]} → {names[j]}", f"{counts[i, j]} of {counts[i].sum()}") for i, j in pairs[:LISTED]]
    opened = " open" if not found else ""
    of = f"the first {LISTED} of " if len(pairs) > LISTED else ""
    summary = f"<summary>{of}{count(len(pairs), 'confusion')} by name</summary>"
    listed = f"<details{opened}>{summary}{page.table(('true → taken for', 'clips'), rows)}</details>"
    return page.section("Worst confusions", *parts, listed)


def mistakes(run, rows, found, seen):
    """The surest wrong clips, each beside what speaks for the classes in it, where that is known."""
    tiles = [tile(run, row, found[row]) for row in rows]
    if not seen:
        return page.section("Most confident mistakes", f'<div class="clips">{"".join(tiles)}</div>' if tiles else "")
    groups = [[own, *(evidence(*each) for each in seen.get(row, ()))] for row, own in zip(rows, tiles)]
    shown = "".join(f'<div class="group">{"".join(group)}</div>' for group in groups)
    how = '<p class="soft">Orange speaks for the class, blue against it.</p>'
    return page.section("Most confident mistakes", how, f'<div class="groups">{shown}</div>')


def evidence(name, clip):
    alt = f"what speaks for {name} in the clip beside it"
    return page.figure(page.animation(clip), alt, "seen", f"what speaks for<br>{named(name)}")


def tile(run, row, shown):
    """A clip that moves, and below it what it is and what it was taken for."""
    true, (first, share) = run.true[row], run.ranked[row][0]
    of_true = next((f" {p:.1%}" for name, p in run.ranked[row] if name == true), "")
    said = f"<b>{named(first)}</b> {share:.1%}"
    said += "" if first == true else f"<br>true: {named(true)}{of_true}"
    alt = f"{true}, taken for {first}"
    return page.figure(shown, alt, "right" if first == true else "wrong", f"{said}<br>{named(run.files[row])}")


def by_class(run):
    return page.section("Classes by accuracy, the worst first", svg.bars(run.matrix, run.classes))


def settings(run):
    """Options, versions, and the command that repeats the run."""
    recipe = {f"recipe: {name}": value for name, value in run.record.get("recipe", {}).items()}
    options = page.facts({**run.options, **recipe, **run.record.get("versions", {})}.items())
    repeat = f"<h3>The command that repeats it</h3><pre>{text(command(run), 5000)}</pre>"
    return page.section("Options and versions", repeat, f"<details><summary>all of them</summary>{options}</details>")


def command(run):
    """The command line of a run, with all options that tell on its result, so that later defaults change nothing."""
    words = ["python", run.script.split()[0]]
    for name, value in run.options.items():
        if value is not None and name not in ("cache", "workers", "resume"):
            words += [f"--{name.replace('_', '-')}", str(value)]
    unsure = f"    # or {run.script.split()[-1]}: this run does not tell" if " or " in run.script else ""
    return shlex.join(words) + unsure
