"""The rooms of the house: imports run downwards only, and what is light stays light."""

import ast
import subprocess
import sys

import pytest
from helpers import ROOT

FLOORS = (  # from the ground up; a module may import those below it, and of its own room
    {"errors"},
    {"cli", "files"},
    {"device"},
    {"video"},
    {"data", "model"},
    {"figures"},
    {"runs"},
    {"pages"},
    {"train", "predict", "explain", "visualize"},
    {"notebook"},
)
HEAVY = {"keras", "tensorflow"}
LIGHT_ROOMS = {
    "video",
    "data",
    "figures",
    "runs",
    "pages",
}  # but for what makes batches, and what asks Keras to draw a network
KERAS_MAY_BE_IN = {"data/batches.py", "figures/diagram.py", "runs/checkpoint.py"}
MODULES = sorted((ROOT / "actioncnn").rglob("*.py"))


def name(path):
    return path.relative_to(ROOT / "actioncnn").as_posix()


def room(path):
    return name(path).removesuffix(".py").split("/")[0]


def imports(path, types=True):
    """Modules that a file imports anywhere in it, as dotted names; of `from x import y` both x and x.y.

    types: also those that are imported for type checkers alone.
    """
    tree = ast.parse(path.read_text())
    if not types:
        tree.body = [node for node in tree.body if not ast.unparse(node).startswith("if TYPE_CHECKING:")]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(path):
    """Rooms of the package from which a file imports."""
    parts = [name.split(".") for name in imports(path) if name.startswith("actioncnn.")]
    return {part[1] for part in parts if part[1] in set().union(*FLOORS)}


@pytest.mark.parametrize("path", [path for path in MODULES if name(path) != "__init__.py"], ids=name)
def test_imports_run_downwards(path):
    floor = next(number for number, floor in enumerate(FLOORS) if room(path) in floor)
    assert rooms_of(path) <= set().union(*FLOORS[:floor]) | {room(path)}


@pytest.mark.parametrize("path", [*MODULES, *ROOT.glob("*.py")], ids=lambda path: path.name)
def test_one_room_reads_and_writes_the_record_of_a_run(path):
    """No other one names its file."""
    assert (
        "args.json" not in path.read_text().replace("if args.json:", "").replace("not args.json", "")
        or path.parent.name == "runs"
    )


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_no_module_imports_a_script(path):
    scripts = {script.stem for script in ROOT.glob("*.py")}
    assert not scripts & {found.split(".")[0] for found in imports(path)}


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) in LIGHT_ROOMS], ids=name)
def test_frames_and_figures_need_no_keras(path):
    if name(path) not in KERAS_MAY_BE_IN:
        assert not HEAVY & {name.split(".")[0] for name in imports(path, types=False)}


def test_imports_within_a_room_make_no_circle():
    """Each module can be imported first."""
    names = [f"actioncnn.{name(path).removesuffix('.py').replace('/', '.')}" for path in MODULES]
    names = [found for found in names if not found.endswith("__init__")]
    within = {
        found: {other for other in imports(ROOT / f"{found.replace('.', '/')}.py") if other in names} for found in names
    }
    while free := [found for found, needs in within.items() if not needs & within.keys()]:
        for found in free:
            del within[found]
    assert not within


@pytest.mark.parametrize("script", sorted(path.name for path in ROOT.glob("*.py")))
def test_scripts_answer_before_anything_heavy_is_imported(script, tmp_path):
    """--help imports neither numpy nor anything above it, and works from another directory."""
    watch = "import runpy, sys; sys.argv = sys.argv[1:]\ntry: runpy.run_path(sys.argv[0], run_name='__main__')\n"
    watch += "finally: print([name for name in ('numpy', 'cv2', 'keras', 'tensorflow') if name in sys.modules])"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{watch}", str(ROOT / script)]
    done = subprocess.run([*command, "--help"], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "--help" in done.stdout and done.stdout.strip().endswith("[]")


@pytest.mark.parametrize("path", [*MODULES, *ROOT.glob("*.py")], ids=lambda path: str(path.relative_to(ROOT)))
def test_names_from_files_do_not_reach_the_terminal_as_they_are(path):
    """What is printed is made printable, by say, warn and printable, or it is JSON."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    for call in calls:
        kind = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", None)
        if kind == "print" and path.name != "cli.py":
            assert any(safe in ast.unparse(call) for safe in ("printable(", "json", "as_text(")), ast.unparse(call)
