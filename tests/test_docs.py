"""What the README says of options, commands and files is so."""

import re
import subprocess
import sys

import pytest
from helpers import ROOT

from actioncnn.train.recipes import NETWORKS

README = (ROOT / "README.md").read_text()
SCRIPTS = sorted(path.name for path in ROOT.glob("*.py"))


def help_of(script):
    return subprocess.run([sys.executable, str(ROOT / script), "--help"], capture_output=True, text=True).stdout


def commands():
    """(script, options) of every command line in the README's code blocks."""
    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", README, re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [re.search(r"python (\S+\.py)(.*)", line.split("#")[0]) for line in lines]
    return [(match[1], re.findall(r"(?<!\S)--?[a-z][\w-]*", match[2])) for match in found if match]


def test_every_script_is_in_the_readme():
    assert [name for name in SCRIPTS if name not in README] == []


@pytest.mark.parametrize("script", SCRIPTS)
def test_commands_use_options_that_exist(script):
    text = help_of(script)
    for name, options in commands():
        if name == script:
            assert [option for option in options if not re.search(rf"(?<!\S){option}\b", text)] == []


def table(heading):
    """Rows of the first table below a heading, as lists of cells."""
    section = README.split(f"{heading}\n", 1)[1]
    rows = re.findall(r"^\|(.*)\|$", section.split("\n#", 1)[0], re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in rows[2:]]


def test_the_table_of_options_is_that_of_help():
    documented = {option: default for option, _, default in table("## Options")}
    text = " ".join(help_of("3dcnn.py").split())
    parsed = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)) - {"--help"}
    assert {option.strip("`") for option in documented} - {"--nmodel", "--network"} == parsed
    entries = text.split("options of 2017:", 1)[1].split(" --")
    said = {f"`--{entry.split()[0]}`": re.search(r"\(default: ([^)]*)\)", entry) for entry in entries[::-1] if entry}
    assert len([match for match in said.values() if match]) > 12
    for option, default in documented.items():
        if said.get(option):
            assert said[option][1] in default.replace("`", ""), option


def test_the_learning_rates_are_those_of_the_recipes():
    default = {option: default for option, _, default in table("## Options")}["`--learning-rate`"]
    assert {float(rate) for rate in re.findall(r"(?<!\S)\.\d+", default)} == {
        network.recipe.learning_rate for network in NETWORKS.values()
    }


def test_links_to_files_of_the_repository():
    links = re.findall(r"\]\((?!http|#)([^)]+)\)", README)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_make_targets():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"(?:^|`)make ([a-z]+)\b", README, re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
