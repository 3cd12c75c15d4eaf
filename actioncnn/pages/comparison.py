"""Runs side by side on the clips that all of them tested: accuracies, differences, and what these can tell."""

import itertools
import json
import os
from dataclasses import dataclass

import numpy as np

from actioncnn.cli import count, shorten
from actioncnn.errors import UserError
from actioncnn.runs import statistics
from actioncnn.runs.metrics import chance, not_better
from actioncnn.runs.tested import directory_of

SAME = ("output", "cache", "workers", "gpus", "resume", "videos", "seed", "views")  # options that make no other setting
ALONE = "\0"  # no name of a file or folder has it
MANY = 10  # pairs, of which some would be told apart by chance


@dataclass
class Setting:
    """One run, or several that differ in their seed alone, on the clips that are compared."""

    name: str
    runs: list
    right: np.ndarray  # bool (runs, N)
    right_of_5: np.ndarray
    classes: np.ndarray  # true class of each clip, str (N,)

    @property
    def figures(self):
        """{"top1", "top5", "mean_class_accuracy"}, means over the runs."""
        of_classes = [self.right[:, self.classes == name].mean() for name in np.unique(self.classes)]
        top = {"top1": self.right, "top5": self.right_of_5}
        return {name: float(right.mean()) for name, right in top.items()} | {
            "mean_class_accuracy": float(np.mean(of_classes))
        }

    @property
    def between_seeds(self):
        """Standard deviation of top-1 between the runs; None for one."""
        return float(self.right.mean(1).std(ddof=1)) if len(self.runs) > 1 else None


@dataclass
class Comparison:
    runs: list
    settings: list
    rows: list  # of the table, a dict for each setting
    pairs: list  # a dict for each two of them
    options: dict  # {option: [value of each setting]} of those that differ
    notes: list
    clips: int
    groups: int  # 0: none is known
    chance: float  # accuracy of always naming the largest class


def compare(runs):
    """The Comparison of Runs. Runs that share no clip with the others are left out. UserError: no two share a clip."""
    runs, notes = without_copies(runs)
    rename(runs)
    runs, places, left_out = common_clips(runs)
    notes += left_out
    groups = groups_of(runs[0], places[0])
    resampling = statistics.Resampling(groups)
    settings = group_seeds(runs, places)
    spread = statistics.seed_spread([setting.right for setting in settings], resampling)
    one = len(settings) == 1 and len(runs) > 1
    compared = [of_runs([run], [rows]) for run, rows in zip(runs, places)] if one else settings
    pairs = [pair(*two, resampling, spread, one) for two in itertools.combinations(compared, 2)]
    known = {group for group in groups if not group.startswith(ALONE)}
    notes += notes_on_runs(runs, places, known, settings) + notes_on_pairs(pairs, spread)
    rows = [row_of(setting, resampling, spread) for setting in settings]
    sizes = len(groups), len(known), chance(settings[0].classes)
    return Comparison(runs, settings, rows, pairs, differing(settings), notes, *sizes)


def without_copies(runs):
    """The runs, each once, and a line for each that is a copy of another."""
    kept, notes = {}, []
    for run in runs:
        made = json.dumps([setting_key(run), run.options.get("seed"), run.files, run.ranked], default=str)
        if made in kept:
            notes.append(f"{run.folder} has the options and predictions of {kept[made].folder}: it is left out")
        kept.setdefault(made, run)
    return list(kept.values()), notes


def rename(runs):
    """Gives each run the end of its path that no other has as its name."""
    paths = [run.folder.resolve().parts for run in runs]
    for run, path in zip(runs, paths):
        lengths = range(1, len(path) + 1)
        alone = [n for n in lengths if sum(other[-n:] == path[-n:] for other in paths) == 1]
        run.name = "/".join(path[-alone[0] :]) if alone else str(run.folder)


def common_clips(runs):
    """(most runs that all share clips, the rows of these clips for each run, lines on the other runs).

    The rows, int (N,), are in the same order for each run. A clip is told by its dataset, its class and its file name,
    or its path in the dataset where names alone are not unique. UserError: no two runs share a clip.
    """
    told = tags_of_clips(runs)
    for key_of in (os.path.basename, str):
        keys = [[*zip(tags, run.true, map(key_of, run.files))] for run, tags in zip(runs, told)]
        places = [{key: row for row, key in enumerate(of_run)} for of_run in keys]
        if [*map(len, keys)] == [*map(len, places)]:
            break
    together = max((sharing(places, first) for first in range(len(runs))), key=len)
    videos = [str(directory_of(run) or "unknown videos") for run in runs]
    if len(together) == 1 < len(runs):
        raise UserError(
            f"no clip was tested by two of {', '.join(f'{run.folder} ({name})' for run, name in zip(runs, videos))}; "
            "compare runs of the same videos and --split, or --split all with one of its splits"
        )
    kept = ", ".join(runs[number].name for number in together)
    left_out = [
        f"{runs[number].name} is left out: it shares no test clip with all of {kept}; its videos are {videos[number]}"
        for number in range(len(runs))
        if number not in together
    ]
    shared = [key for key in places[together[0]] if all(key in places[number] for number in together)]
    rows = [np.array([places[number][key] for key in shared]) for number in together]
    return [runs[number] for number in together], rows, left_out


def sharing(places, first):
    """Numbers of runs that all share clips: the `first`, and in their order those that do so with all before them."""
    together, shared = [first], places[first].keys()
    for number, clips in enumerate(places):
        if number != first and shared & clips.keys():
            together, shared = [*together, number], shared & clips.keys()
    return sorted(together)


def tags_of_clips(runs):
    """For each run a tag of each clip, the same for the same content of a file.

    Earlier versions did not write tags: their clips have those of another run of the same videos, or else the number of
    the first such run.
    """
    tags = []
    for run in runs:
        alike = [(number, other) for number, other in enumerate(runs) if other is run or is_same_data(run, other)]
        known = {}
        for _, other in [] if run.tags else alike:
            known |= other.tags
        known = run.tags or known
        tags.append([known.get(file, str(alike[0][0])) for file in run.files])
    return tags


def is_same_data(run, other):
    """Whether two runs are of the same videos: by the fingerprints of their classes, which earlier versions did not
    write, else by the digest of their clips or by the directory that they name."""
    prints, others = run.record.fingerprints, other.record.fingerprints
    if prints and others:
        return prints == others
    if run.record.get("data") is not None and run.record.get("data") == other.record.get("data"):
        return True
    directories = [each and os.path.realpath(each) for each in map(directory_of, (run, other))]
    return directories[0] == directories[1]


def groups_of(run, rows):
    """Label of each clip's group; one of its own, that begins with ALONE, where none is known."""
    scenes = run.scenes
    return [scenes[row] or ALONE + run.files[row] for row in rows]


def setting_key(run):
    """What runs have in common that differ in their seed alone, as text; an option that is not set is none."""
    options = {name: value for name, value in run.options.items() if name not in SAME and value is not None}
    split, recipe, counts = (run.record.get(name) for name in ("split", "recipe", "counts"))
    return json.dumps([run.script, options, split, recipe, counts], sort_keys=True, default=str)


def group_seeds(runs, places):
    """The Settings of some runs: those of one setting, of the same videos, each with a seed of its own."""
    settings = []
    for run, rows in zip(runs, places):
        for members in settings:
            first, seeds = members[0][0], [each.options.get("seed") for each, _ in members]
            alike = setting_key(run) == setting_key(first) and is_same_data(run, first)
            if alike and run.options.get("seed") not in seeds:
                members.append((run, rows))
                break
        else:
            settings.append([(run, rows)])
    return [of_runs(*zip(*members)) for members in settings]


def of_runs(runs, places):
    name = runs[0].name if len(runs) == 1 else f"{runs[0].name} ({len(runs)} seeds)"
    right = np.stack([run.right[rows] for run, rows in zip(runs, places)])
    right_of_5 = np.stack([run.right_of_5[rows] for run, rows in zip(runs, places)])
    return Setting(name, list(runs), right, right_of_5, np.array(runs[0].true)[places[0]])


def row_of(setting, resampling, spread):
    first, figures = setting.runs[0], setting.figures
    clips = setting.right.shape[1]
    seconds = [run.record["seconds"] for run in setting.runs if run.record.get("seconds")]
    return {
        "run": setting.name,
        "script": first.script,
        "parameters": first.record.get("parameters"),
        "seconds": float(np.mean(seconds)) if seconds else None,
        "epochs": first.options.get("epoch"),
        "seeds": len(setting.runs),
        "top1": figures["top1"],
        "by_clips": statistics.wilson(figures["top1"] * clips, clips),
        "interval": resampling.share(setting.right.mean(0), spread, len(setting.runs)),
        "better_than_chance": not not_better(setting.right.mean(0), setting.classes, resampling),
        "between_seeds": setting.between_seeds,
        "top5": figures["top5"],
        "mean_class_accuracy": figures["mean_class_accuracy"],
    }


def pair(first, second, resampling, spread, same_setting):
    """What two settings, or two runs of one setting, can tell."""
    value, interval = statistics.difference(first.right, second.right, resampling, spread)
    told = bool(interval.low > 0 or interval.high < 0) and not same_setting
    seeds = None if told or same_setting else statistics.seeds_needed(first.right, second.right, resampling, spread)
    better, worse = (first, second) if value > 0 else (second, first)
    test = None
    if len(first.runs) == len(second.runs) == 1:
        test = dict(zip(("only_first", "only_second", "p"), statistics.mcnemar(first.right[0], second.right[0])))
    of_better = interval if value > 0 else statistics.Interval(-interval.high, -interval.low)
    if told:
        between = f"between {100 * of_better.low:.1f} and {100 * of_better.high:.1f} by its interval"
        sentence = f"{better.name} is better than {worse.name} by {100 * abs(value):.1f} points, and {between}"
    else:
        why = "only their seeds differ" if same_setting else reason(of_better, seeds, resampling)
        lead = f"{better.name} is {100 * abs(value):.1f} points above"
        lead = lead if abs(value) >= 0.0005 else "they are equal on these clips"
        sentence = f"{first.name} and {second.name}: these runs do not tell which is better ({lead}; {why})"
    return {
        "first": first.name,
        "second": second.name,
        "difference": value,
        "interval": interval,
        "told": told,
        "better": better.name if told else None,
        "seeds_needed": seeds,
        "mcnemar": test,
        "sentence": sentence,
    }


def reason(interval, seeds, resampling):
    """Why the better of two settings cannot be told, and what would tell it."""
    if resampling.count < statistics.LEAST_GROUPS:
        groups = count(resampling.count, "group") + " of clips"
        return f"nothing can be said from {groups}, at least {statistics.LEAST_GROUPS} are needed"
    if np.isnan(interval.low):
        return "nothing can be said from so few clips"
    low, high = 100 * interval.low, 100 * interval.high
    between = f"its interval reaches from {-low:.1f} below to {high:.1f} above"
    tell = f"about {seeds} seeds of each would tell" if seeds else "more seeds alone would not tell"
    return f"{between}; {tell} such a difference"


def differing(settings):
    """{option: [value of each setting]} of the options that are not the same for all."""
    values = [
        {"precision used": setting.runs[0].record.get("precision"), **setting.runs[0].options} for setting in settings
    ]
    names = dict.fromkeys(name for of_one in values for name in of_one if name not in SAME)
    return {
        name.replace("_", "-"): [of_one.get(name) for of_one in values]
        for name in names
        if len({str(of_one.get(name)) for of_one in values}) > 1
    }


def verdicts(comparison):
    """The sentences that a person reads: of many pairs those that are told, and how many are not."""
    told = [pair["sentence"] for pair in comparison.pairs if pair["told"]]
    others = [pair["sentence"] for pair in comparison.pairs if not pair["told"]]
    if len(comparison.pairs) >= MANY and len(others) > 1:
        others = [f"{'the other ' if told else 'all '}{len(others)} pairs: these runs do not tell which is better"]
    equal = [row["run"] for row in comparison.rows if not row["better_than_chance"]]
    return told + others + [f"{name} is not surely better than chance ({comparison.chance:.1%})" for name in equal]


def notes_on_runs(runs, places, known, settings):
    """What a reader must know of the clips that are compared."""
    notes = [f"{run.name}: {line}" for run in runs for line in run.missing]
    for run, rows in zip(runs, places):
        if len(rows) < len(run.files):
            notes.append(
                f"{run.name} tested {count(len(run.files), 'clip')}: it is compared on the {len(rows)} that all tested"
            )
    splits = dict.fromkeys(str(run.record.get("split")) for run in runs)
    if len(splits) > 1:
        why = "; a random split has put clips of their groups into training" if "random" in splits else ""
        notes.append(f"splits {', '.join(splits)} trained on different clips{why}")
    if not known:
        notes.append("no groups are known: clips are taken as independent, which makes intervals too narrow")
    elif len(known) < 5:
        notes.append(f"only {count(len(known), 'group')} of clips: intervals are wide or cannot be known")
    for first, second in itertools.combinations([setting.runs[0] for setting in settings], 2):
        for one, other in ((first, second), (second, first)):
            if only := [name for name in one.classes if name not in set(other.classes)]:
                more = count(len(only), "class")
                notes.append(f"{one.name} knows {more} that {other.name} does not: {shorten(only)}")
        if len(first.classes) != len(second.classes):
            notes.append("with more classes to choose from, the same clips are harder")
    return list(dict.fromkeys(notes))


def notes_on_pairs(pairs, spread):
    """pairs: of a Comparison; spread: of statistics.seed_spread."""
    notes = []
    points = f"{100 * spread.variance**0.5:.1f} points"
    if not spread.measured:
        notes.append(
            f"no setting has several seeds: a standard deviation of {points} between seeds is assumed, which is "
            "uncertain itself; train with other seeds (--seed 1, 2, ...) to measure it"
        )
    else:
        notes.append(f"a standard deviation of {points} between seeds is taken, from those that are compared")
    if len(pairs) >= MANY:
        notes.append(f"of {len(pairs)} pairs, about {len(pairs) * 0.05:.0f} would be told apart by chance alone")
    return notes
