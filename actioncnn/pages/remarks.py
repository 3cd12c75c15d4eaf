"""What a reader must know of a comparison: what the runs do not share, and what its intervals rest on."""

import itertools

from actioncnn.cli import count, shorten

MANY = 10  # pairs, of which some would be told apart by chance


def on_runs(runs, places, known, settings):
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
        notes.append(f"only {count(len(known), 'group')} of clips: intervals by groups are wide or not known")
    for first, second in itertools.combinations([setting.runs[0] for setting in settings], 2):
        for one, other in ((first, second), (second, first)):
            if only := [name for name in one.classes if name not in set(other.classes)]:
                more = count(len(only), "class")
                notes.append(f"{one.name} knows {more} that {other.name} does not: {shorten(only)}")
        if len(first.classes) != len(second.classes):
            notes.append("with more classes to choose from, the same clips are harder")
    return list(dict.fromkeys(notes))


def on_pairs(pairs, spread, settings):
    """pairs: of a Comparison; spread: of statistics.seed_spread."""
    notes = []
    if pairs and max(len(setting.runs) for setting in settings) == 1:
        notes.append(
            f"one seed of each: a standard deviation of {100 * spread[0] ** 0.5:.1f} points between seeds is assumed; "
            "train with other seeds (--seed 1, 2, ...) to measure it"
        )
    if len(pairs) >= MANY and len(settings) > 1:
        notes.append(f"of {len(pairs)} pairs, about {len(pairs) * 0.05:.0f} would be told apart by chance alone")
    return notes
