"""README.md and the pages in docs/ say of options, commands, files and links what is so."""

import re
import runpy
import shlex
import subprocess
import sys

import pytest
from helpers import ROOT

from actioncnn.train.recipes import NETWORKS

PAGES = {path.relative_to(ROOT).as_posix(): path.read_text() for path in [ROOT / "README.md", *ROOT.glob("docs/*.md")]}
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))
COMMAND = re.compile(r"\bpython(?:3\.11)? (?:-m )?(\S+)(.*)")


def help_of(target):
    """The `--help` of a script, of a file of the repository, or of a module."""
    command = [str(ROOT / target)] if target.endswith(".py") else ["-m", target]
    return subprocess.run([sys.executable, *command, "--help"], cwd=ROOT, capture_output=True, text=True).stdout


def commands(text):
    """(script or module, its options) of each command line in the code blocks of a page."""
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", text, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    matches = filter(None, (COMMAND.search(line) for line in lines))
    return [(match[1], shlex.split(match[2], comments=True)) for match in matches if match[1] not in ("pip", "venv")]


TARGETS = sorted({target for text in PAGES.values() for target, _ in commands(text)})


@pytest.mark.parametrize("target", TARGETS)
def test_commands_use_options_that_exist(target):
    assert not target.endswith(".py") or (ROOT / target).is_file()
    text = help_of(target)
    for page, content in PAGES.items():
        for name, words in commands(content):
            options = [re.split("=", word)[0] for word in words if re.match(r"--?[a-z]", word)]
            if name == target:
                assert [option for option in options if not re.search(rf"(?<!\S){option}\b", text)] == [], page


def test_every_script_is_in_the_readme():
    assert [name for name in SCRIPTS if name not in PAGES["README.md"]] == []


def test_the_readme_is_short():
    assert len(PAGES["README.md"].splitlines()) <= 200


def test_the_page_of_options_is_that_of_help():
    made = runpy.run_path(str(ROOT / "docs" / "options.py"))["page"]()
    assert made.count("| `--") > 150
    assert PAGES["docs/options.md"] == made, "run: python docs/options.py"


def rows(text, heading):
    """Rows of all tables below a heading, as lists of cells."""
    section = text.split(f"{heading}\n", 1)[1].split("\n## ", 1)[0]
    return [[cell.strip() for cell in row.split("|")] for row in re.findall(r"^\| (`--.*)\|$", section, re.MULTILINE)]


def test_the_options_in_the_readme_have_the_defaults_of_help():
    of_help = rows(PAGES["docs/options.md"].replace("\\|", "/"), "## Training scripts")
    defaults = {re.search("--[a-z-]+", option)[0]: default for option, _, default in of_help}
    table = rows(PAGES["README.md"], "## The ten options that people use")
    assert len(table) == 10
    for names, _, default in table:
        options = re.findall("--[a-z-]+", names)
        for name, value in zip(options, (default.split(", ") * 2)[: len(options)], strict=True):
            assert defaults[name].split(";")[0] == value or name == "--output", name


def test_the_learning_rates_are_those_of_the_recipes():
    line = next(line for line in PAGES["docs/options.md"].splitlines() if "`--learning-rate" in line)
    rates = {float(rate) for rate in re.findall(r"(?<!\S)\.\d+", line)}
    assert rates == {network.recipe.learning_rate for network in NETWORKS.values()}


@pytest.mark.parametrize("page", PAGES)
def test_links_to_files_of_the_repository(page):
    links = re.findall(r"\]\((?!http|#)([^)#]+)[^)]*\)", PAGES[page])
    assert [link for link in links if not ((ROOT / page).parent / link).exists()] == []


def test_files_named_in_the_page_of_the_code_exist():
    paths = re.findall(
        r"`((?:train|data|video|model|runs|pages|figures)/[a-z_/]*\.?[a-z]*)`", PAGES["docs/architecture.md"]
    )
    assert len(paths) > 30 and [path for path in paths if not (ROOT / "actioncnn" / path).exists()] == []


def test_make_targets():
    makefile = (ROOT / "Makefile").read_text()
    for text in PAGES.values():
        for target in set(re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE)):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
