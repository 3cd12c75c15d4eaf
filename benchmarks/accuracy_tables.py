"""The tables of accuracy.py, from the lines of its results."""

import numpy as np

REFERENCE = "2017 scaled"
LONGEST = 16  # characters of a set's name as the head of a column


def right(lines):
    """Which clips were classified rightly, mean over the lines' seeds, float (clips,)."""
    return np.mean([np.argmax(line["probabilities"], 1) == line["truth"] for line in lines], axis=0)


def standard_error(lines):
    """Of the accuracy, by groups: clips of one group are not independent (a ratio estimate, Cochran 1977)."""
    hits = right(lines)
    _, group = np.unique(lines[0]["groups"], return_inverse=True)
    excess, count = np.bincount(group, hits - hits.mean()), group.max() + 1
    return np.sqrt(count / max(count - 1, 1) * (excess**2).sum()) / len(hits)


def cell(lines):
    """Mean, standard error and, of several seeds, their range."""
    if not lines:
        return ""
    found = [100 * line["accuracy"] for line in lines]
    spread = f" [{min(found):.1f}-{max(found):.1f}]" if len(found) > 1 else ""
    return f"{np.mean(found):.1f} ± {100 * standard_error(lines):.1f}{spread}"


def show_set(videos, lines):
    """The tables of one set, for each number of epochs and of folds."""
    for epochs, folds in sorted({(line["epochs"], line["folds"]) for line in lines}):
        chosen = [line for line in lines if (line["epochs"], line["folds"]) == (epochs, folds)]
        print(f"\n{videos}: {epochs} epochs, folds: {folds}; accuracy in %, mean ± standard error by groups [seeds]")
        show_rows(chosen)
        show_averages(chosen)
    show_times(lines)


def show_rows(lines):
    """Accuracy of each row, CPU seconds of a seed's trainings, training clips a second."""
    print("| network | parameters | group folds | random folds | CPU seconds | clips/s |\n|---|---|---|---|---|---|")
    for row in dict.fromkeys(line["row"] for line in lines):
        of_row = [line for line in lines if line["row"] == row]
        cells = [cell([line for line in of_row if line["protocol"] == name]) for name in ("group", "random")]
        seconds = np.median([line["cpu"] for line in of_row])
        rate = of_row[0]["seen"] / seconds
        print(f"| {row} | {of_row[0]['parameters']:,} | {cells[0]} | {cells[1]} | {seconds:.0f} | {rate:.0f} |")


def show_averages(lines):
    """Accuracy of the mean over the seeds' probabilities: an ensemble."""
    for row, protocol in dict.fromkeys((line["row"], line["protocol"]) for line in lines):
        members = [line for line in lines if (line["row"], line["protocol"]) == (row, protocol)]
        if len(members) > 1:
            mean = np.mean([line["probabilities"] for line in members], axis=0).argmax(1)
            print(
                f"ensemble of {len(members)} {row}, {protocol} folds: {100 * (mean == members[0]['truth']).mean():.1f}"
            )


def show_sets(sets, lines):
    """Unseen groups of all sets, and the mean over the sets."""
    lines = [line for line in lines if line["protocol"] == "group"]
    for epochs, folds in sorted({(line["epochs"], line["folds"]) for line in lines}):
        print(f"\nunseen groups, {epochs} epochs, folds: {folds}; accuracy in % ± standard error by groups")
        print(f"| network | {' | '.join(name.rstrip('/')[-LONGEST:] for name in sets)} | mean | CPU seconds |")
        print("|---" * (len(sets) + 3) + "|")
        for row in dict.fromkeys(line["row"] for line in lines):
            of_row = {"row": row, "epochs": epochs, "folds": folds}.items()
            found = [[line for line in lines if line["videos"] == name and line.items() >= of_row] for name in sets]
            means = [np.mean([line["accuracy"] for line in each]) for each in found if each]
            mean = f"{100 * np.mean(means):.1f}" if len(means) == len(sets) else ""
            seconds = sum(np.median([line["cpu"] for line in each]) for each in found if each)
            cells = [cell(each).partition(" [")[0] for each in found]
            print(f"| {row} | {' | '.join(cells)} | {mean} | {seconds:.0f} |")


def show_times(lines):
    """Epochs and CPU seconds until each network first has the final accuracy of the longest reference run."""
    lines = [line for line in lines if line["protocol"] == "group"]
    reference = max((line for line in lines if line["row"] == REFERENCE), key=lambda line: line["epochs"], default=None)
    if not reference:
        return
    goal = reference["accuracy"]
    print(f"\ntime to {100 * goal:.1f} %, which {REFERENCE} has after {reference['epochs']} epochs; median over seeds")
    print("| network | epochs planned | epochs needed | CPU seconds | share of the reference |\n|---|---|---|---|---|")
    for row, epochs in sorted({(line["row"], line["epochs"]) for line in lines}):
        needed, seconds = [], []
        for line in lines:
            if (line["row"], line["epochs"]) == (row, epochs):
                reached = np.flatnonzero(np.array(line["curve"]) >= goal - 5e-5)
                needed.append(reached[0] + 1 if len(reached) else np.inf)
                seconds.append(line["cpu"] * needed[-1] / epochs)
        share = np.median(seconds) / reference["cpu"]
        print(f"| {row} | {epochs} | {np.median(needed):g} | {np.median(seconds):.0f} | {share:.3f} |")
