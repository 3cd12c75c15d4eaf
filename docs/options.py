"""Write docs/options.md, the page of all options, from the `--help` of each script.

python docs/options.py
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TRAINING = ("3dcnn.py", "3dcnn-my-model.py", "2dcnn.py", "3dcnn_ensemble.py")
OTHERS = ("predict.py", "explain.py", "visualize_input.py", "compare.py", "export.py", "display.py", "videoto3d.py")
MODULES = ("actioncnn.data.demo", "actioncnn.data.extract")
HEAD = """# All options

`python 3dcnn.py --help` shows the options of a script. This page has those of all scripts. It is made from their
`--help` by `python docs/options.py`, and a test fails where it differs from them.

A switch such as `--color` is written `--color True`, `--color False`, or `--color` alone, which means True.
"""


def help_of(script):
    """The lines of a script's `--help`, or of a module's, each explanation on one line."""
    command = [str(ROOT / script)] if script.endswith(".py") else ["-m", script]
    environment = os.environ | {"COLUMNS": "2000"}  # argparse breaks lines at this width
    done = subprocess.run(
        [sys.executable, *command, "--help"], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def parse_help(lines):
    """The lines of a `--help` -> (lines of the description, {group: [[option, meaning, default], ...]})."""
    description, groups, rows = [], {}, None
    for line in lines:
        if re.fullmatch(r"\S.*:", line):
            rows = groups.setdefault(line.removesuffix(":"), [])
        elif rows is None:
            description.append(line)
        elif line.startswith("   "):  # the meaning of an option whose name is too long for one line
            rows[-1][1] = line.strip()
        elif line:
            name, _, meaning = line.strip().partition("  ")
            rows.append([name, meaning.strip()])
    return description, {group: [split_default(*row) for row in rows] for group, rows in groups.items()}


def split_default(option, meaning):
    """An option and its explanation -> [option, meaning, default]."""
    default = re.search(r" *\(default: ((?:[^()]|\([^()]*\))*)\)$", meaning)
    option = re.sub(r"^(--\S+) (\S+), (-\w) \2$", r"\1, \3 \2", option)  # as Python 3.13 writes it
    return [option, meaning[: default.start()], default[1]] if default else [option, meaning, ""]


def name_of(option):
    """The long name of an option as `--help` writes it; of a positional argument its word."""
    return next((word for word in option.replace(",", " ").split() if word.startswith("--")), option)


def table(rows):
    """Rows [option, meaning, default] as Markdown."""
    cells = [[f"`{option}`", meaning, default] for option, meaning, default in rows if "--help" not in option]
    escaped = ([cell.replace("|", "\\|") for cell in row] for row in cells)
    return ["| option | meaning | default |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in escaped)]


def section(title, description, groups):
    """One script: what it does with its examples, and a table of each group."""
    examples = [line.strip() for line in description if line.strip().startswith("python ")]
    text = "\n".join(line for line in description if line.strip() not in examples)
    examples = [re.sub(r" {2,}(?:# )?", "  # ", line) for line in examples]
    lines = [f"## {title}", "", *re.sub(r"\n{3,}", "\n\n", text.strip()).splitlines(), "", "```sh", *examples, "```"]
    for group, rows in groups.items():
        if any("--help" not in option for option, *_ in rows):
            lines += ["", f"**{group}**", "", *table(rows)]
    return lines


def page():
    """The text of docs/options.md."""
    parsed = {script: parse_help(help_of(script)) for script in (*TRAINING, *OTHERS, *MODULES)}
    *scripts, ensemble = TRAINING  # the last one has the options of all
    names = {script: {name_of(row[0]) for rows in parsed[script][1].values() for row in rows} for script in TRAINING}
    lines = [*HEAD.splitlines(), "", "## Training scripts", "", f"These are the options of {' and '.join(TRAINING)}."]
    for script in scripts:
        lacking = ", ".join(f"`{name}`" for name in sorted(names[ensemble] - names[script]))
        lines.append(f"{script} does not have {lacking}.")
    for group, rows in parsed[ensemble][1].items():
        if group != "options":
            lines += ["", f"**{group}**", "", *table(rows)]
    for script in (*OTHERS, *MODULES):
        title = script if script.endswith(".py") else f"python -m {script}"
        lines += ["", *section(title, *parsed[script])]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (ROOT / "docs" / "options.md").write_text(page())
