"""report.html: one file, harmless whatever the names, readable on any screen; tested in a browser if there is one."""

import base64
import json
import re
import shlex
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from jinja2 import UndefinedError
from made_runs import FIRST, made_run, odd_classes
from markupsafe import Markup

from actioncnn.pages import comparison_page, page, run_page
from actioncnn.pages.comparison import compare
from actioncnn.runs import tables
from actioncnn.runs.run import read_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
VOID = {"meta", "img", "rect", "path", "circle", "br"}


class Reader(HTMLParser):
    """What a browser sees: tags with their attributes, and the text outside of style and script."""

    def __init__(self, source):
        super().__init__()
        self.tags, self.text, self.open = [], [], []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("style", "script"):
            self.text.append(data)


def moving(_, rows):
    """Clips of noise."""
    return {row: np.random.default_rng(row).integers(0, 256, (32, 32, 10, 1), np.uint8) for row in rows}


def right_of(share, count, seed=0):
    return np.random.default_rng(seed).random(count) < share


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Folder and page of a run with 101 classes of odd names and 3,783 test clips, 112 pixels in colour."""
    folder = made_run(tmp_path_factory.mktemp("runs") / "<b>big", right_of(0.4, 3783), odd_classes(101), epochs=100)
    clips = np.random.default_rng(0).integers(0, 256, (14, 14, 16, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    run_page.write(folder, lambda _, rows: dict.fromkeys(rows, clips))
    return folder, (folder / "report.html").read_text()


def is_harmless(chart):
    """Whether an SVG file is well-formed, and holds no script, no text of others, and no link out of itself."""
    tags = [each.tag.rpartition("}")[2] for each in ElementTree.fromstring(chart).iter()]
    links = re.findall(rb"""(?:href=|url\()["']?(.)""", chart)
    return not {"script", "foreignObject", "image", "text", "a"} & {*tags} and {*links} <= {b"#"}


def check_harmless(source):
    """Well-formed, self-contained, no tag but the page's own -> its Reader."""
    seen = Reader(source)
    assert not seen.open
    allowed = "html head meta title style body header section h1 h2 h3 p span dl dt dd div svg path text circle rect ul"
    allowed += " li output table thead tbody tr th td figure img figcaption b br bdi i details summary pre script a"
    assert {tag for tag, _ in seen.tags} <= {*allowed.split(), "main", "button", "caption"}
    assert [tag for tag, _ in seen.tags].count("script") == 1
    for tag, attributes in seen.tags:
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "img":
            kind, content = attributes["src"].split(";base64,")
            assert kind in ("data:image/webp", "data:image/svg+xml") and attributes["alt"]
            assert kind != "data:image/svg+xml" or is_harmless(base64.b64decode(content))
        assert not {"srcset", "xlink:href", "action"} & attributes.keys()
    assert not re.search(r"https?://|url\(|@import", source)
    return seen


def test_a_large_run_is_small_and_harmless(large):
    folder, source = large
    assert len(source.encode()) < 5e6
    seen = check_harmless(source)
    words = " ".join(seen.text)
    for name in FIRST:
        assert name[:12] in words
    assert "taken for" in words and "python 3dcnn.py" in words and "of 7 groups" in words
    cells = [attributes for _, attributes in seen.tags if "data-at" in attributes]
    assert len(cells) == (read_run(folder).matrix > 0).sum()
    assert sum(tag == "img" for tag, _ in seen.tags) > 20


def test_animations_are_the_clips():
    from PIL import Image

    clip = moving(None, [3])[3]
    file = page.io.BytesIO(page.webp(clip))
    with Image.open(file) as image:
        assert image.n_frames == 10 and image.info["loop"] == 0
        image.seek(4)
        assert (np.asarray(image.convert("RGB"))[..., 0] == clip[:, :, 4, 0]).all()
    with Image.open(page.io.BytesIO(page.webp(np.zeros((200, 100, 80, 3), np.uint8)))) as image:
        assert image.size == (56, 112)


def test_noise_is_not_larger_than_others():
    for side, depth in ((112, 16), (64, 64)):
        noise = np.random.default_rng(0).integers(0, 256, (side, side, depth, 3), np.uint8)
        assert len(page.webp(noise)) <= page.LARGEST


def test_shown_clips_are_the_surest_mistakes(tmp_path):
    run = read_run(made_run(tmp_path / "a", right_of(0.5, 200), list("ABCD")))
    chosen = run_page.choose_clips(run, run.matrix)
    wrong = sorted(((ranked[0][1], row) for row, ranked in enumerate(run.ranked) if not run.right[row]), reverse=True)
    assert chosen["mistakes"] == [row for _, row in wrong[:12]]
    for pair, rows in list(chosen.items())[:-2]:
        first = [(run.classes.index(run.true[row]), run.classes.index(run.predicted[row])) for row in rows]
        assert first[0] == pair and {*first[1:]} <= {pair, (pair[0],) * 2, (pair[1],) * 2}
    right = [row for rows in list(chosen.values())[:-2] for row in rows if run.right[row]] + chosen["right"]
    assert len(right) == len(set(right)) and len(chosen["right"]) == 6 and run.right[chosen["right"]].all()


def test_a_run_without_mistakes_shows_right_clips(tmp_path):
    run = read_run(made_run(tmp_path / "a", right_of(2, 200), list("ABCD")))
    chosen = run_page.choose_clips(run, run.matrix)
    assert not chosen["mistakes"] and len(chosen["right"]) == 12
    assert {run.true[row] for row in chosen["right"][:4]} == set("ABCD")


def test_the_command_of_a_run_can_be_repeated(tmp_path):
    """Options whose values begin with a dash, and a folder that holds the run, are taken by the script's own parser."""
    from actioncnn.train.options import ClipOptions, parse

    folder = made_run(tmp_path / "a", right_of(2, 20), ["A", "B"], videos="-my videos", depth=3, overwrite=False)
    words = shlex.split(run_page.command(read_run(folder)))
    args = parse(ClipOptions, "", words[2:])
    assert args.videos == Path("-my videos") and args.overwrite is True and args.depth == 3


@pytest.mark.parametrize("change", ["none", "no clips", "nothing wrong", "one class", "bare", "two clips"])
def test_any_run_has_a_page(tmp_path, change):
    count = 2 if change == "two clips" else 40
    right = right_of(2 if change == "nothing wrong" else 0.5, count)
    folder = made_run(tmp_path / "a", right, ["A", "B"])
    if change == "bare":
        for name in ("result.txt", "classes.txt"):
            (folder / name).unlink()
        (folder / "args.json").write_text("{}")
    if change == "one class":
        (folder / "predictions.csv").write_text("file,true,predicted,confidence\nx.avi,A,A,1\n")
        (folder / "classes.txt").write_text("A\n")
    run_page.write(folder, None if change == "no clips" else moving)
    check_harmless((folder / "report.html").read_text())


def test_a_page_that_fails_costs_one_line(tmp_path, capsys):
    run_page.try_to_write(tmp_path / "none")
    assert capsys.readouterr().err.count("\n") == 1


def test_notes_and_options_are_escaped(tmp_path):
    folder = made_run(tmp_path / "a", right_of(0.5, 40), ["A", "B"], videos="<img src=x onerror=alert(1)>")
    args = json.loads((folder / "args.json").read_text())
    args |= {"notes": ["<script>x</script>"], "script": "<i>.py", "device": "'\"><script>", "versions": {"<u>": "<s>"}}
    (folder / "args.json").write_text(json.dumps(args))
    run_page.write(folder, moving)
    seen = check_harmless((folder / "report.html").read_text())
    assert "<script>x</script>" in " ".join(seen.text)


def test_evidence_is_shown_where_known(tmp_path):
    folder = made_run(tmp_path / "a", right_of(0.5, 40), ["A", "<b>"])

    def evidence(run, wrong):
        return {row: [(run.predicted[row], clip.repeat(3, 3)), (run.true[row], clip.repeat(3, 3))] for row, clip in
                wrong.items()}  # fmt: skip

    run_page.write(folder, moving, look=evidence)
    seen = check_harmless((folder / "report.html").read_text())
    words = " ".join(seen.text)
    assert words.count("what speaks for") == 2 * 12


def test_the_page_of_several_runs(tmp_path):
    classes = odd_classes(8)
    folders = [made_run(tmp_path / f"<i>{n}", right_of(0.4 + 0.3 * n, 400, n), classes, depth=n + 1) for n in range(2)]
    run_page.write(folders[0])
    comparison_page.write(tmp_path / "both.html", compare([read_run(folder) for folder in folders]))
    seen = check_harmless((tmp_path / "both.html").read_text())
    words = " ".join(seen.text)
    assert "is better than" in words and "Accuracy by class" in words and "depth" in words
    links = [attributes["href"] for tag, attributes in seen.tags if tag == "a"]
    assert links == ["%3Ci%3E0/report.html"]


def alts(source):
    """Alternative texts of the charts of a page."""
    images = [attributes for tag, attributes in Reader(source).tags if tag == "img"]
    return [image["alt"] for image in images if image["src"].startswith("data:image/svg")]


def test_charts_are_told_in_words(tmp_path):
    folder = made_run(tmp_path / "a", right_of(0.5, 40), ["A", "<b>"], epochs=1)
    rows = [{"epoch": n + 1, "acc": acc, "val_acc": acc / 2} for n, acc in enumerate([0.2, 0.75, 0.5])]
    tables.write_history(folder / "result.txt", [row | {"loss": float("nan"), "val_loss": None} for row in rows])
    run_page.write(folder)
    accuracy, bars = alts((folder / "report.html").read_text())  # of the loss there is nothing to draw
    for words in ("training 0.500", "0.750 after epoch 2", "validation 0.250", "0.375 after epoch 2"):
        assert words in accuracy
    matrix = read_run(folder).matrix
    assert f"A {matrix[0, 0]} of 20" in bars and f"<b> {matrix[1, 1]} of 20" in bars


def test_the_best_loss_is_the_lowest(tmp_path):
    folder = made_run(tmp_path / "a", right_of(0.5, 40), ["A", "B"], epochs=4)
    run_page.write(folder)
    assert "training 1.000 at the end, at best 1.000 after epoch 4" in alts((folder / "report.html").read_text())[1]


@pytest.mark.parametrize(("nclass", "charts"), [(2, 1), (12, 1), (13, 2), (101, 2), (250, 6)])
def test_bars_of_many_classes_stand_in_several_charts(tmp_path, nclass, charts):
    classes = [f"Class{n}" for n in range(nclass)]
    matrix = np.diag(np.arange(nclass)) + np.eye(nclass, dtype=int)
    drawn = run_page.bars(matrix, classes)
    assert len(drawn) == charts
    assert sum(chart.alt.count(" of ") for chart in drawn) == nclass + charts


def test_a_page_of_the_same_run_is_the_same(tmp_path):
    folder = made_run(tmp_path / "a", right_of(0.5, 40), ["A", "B"])
    pages = []
    for name in ("first.html", "second.html"):
        run_page.write(folder, moving, tmp_path / name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


def test_a_template_escapes_names_and_knows_all_that_it_writes():
    macros = page.TEMPLATES.get_template("macros.html").module
    row = macros.table("caption", ["<i>"], [['<b>\x1b\u202e"', Markup("<u>")]])
    assert "<i>" not in row and "&lt;i&gt;" in row and "<u>" in row
    assert "<b>" not in row and "\x1b" not in row and "\u202e" not in row and '"' not in row.partition("&lt;b")[2][:9]
    with pytest.raises(UndefinedError):
        page.TEMPLATES.get_template("run.html").render(title="no run")


PROBE = """<script>
const svg = document.querySelector("svg.cells"), said = document.querySelector("output"), all = [];
const side = Number(svg.dataset.side);
svg.scrollIntoView();
for (const [row, column] of [[0, 0], [1, 2]]) {
  const place = new DOMPoint((column + .5) * side, (row + .5) * side).matrixTransform(svg.getScreenCTM());
  svg.dispatchEvent(new PointerEvent("pointermove", {clientX: place.x, clientY: place.y}));
  all.push(said.textContent);
}
svg.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown"}));
all.push(said.textContent);
const wide = [...document.querySelectorAll("body *")].filter(e => !e.closest(".scroll") &&
  e.getBoundingClientRect().right > innerWidth + 1).map(e => e.tagName + e.className);
document.body.dataset.probe = JSON.stringify({all, wide, width: innerWidth, alerts: window.alerts || 0,
  page: document.documentElement.scrollWidth, back: getComputedStyle(document.body).backgroundColor,
  shown: [...document.images].filter(i => i.complete && i.naturalWidth).length});
</script></body>"""


def browse(path, width, folder, *options):
    """(DOM, what the browser complains of) of a page."""
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", f"--window-size={width},900"]
    flags += ["--virtual-time-budget=3000", "--enable-logging=stderr", *options]
    done = subprocess.run([CHROMIUM, *flags, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="no Chromium")
def test_in_a_browser(large, tmp_path):
    """Its own policy is kept; on a phone in the dark nothing is wider than the screen, cells are named."""
    folder, source = large
    dom, complaints = browse(folder / "report.html", 1200, tmp_path / "profile")
    assert complaints == [] and "ClassNumber94" in dom
    probed = tmp_path / "probed.html"
    probed.write_text(re.sub(r'<meta http-equiv="Content.*?>', "", source, flags=re.DOTALL).replace("</body>", PROBE))
    dom, complaints = browse(probed, 500, tmp_path / "profile", "--blink-settings=preferredColorScheme=0")
    assert complaints == []
    seen = json.loads(dict(Reader(dom).tags)["body"]["data-probe"])
    plain = [re.sub("[\u2068\u2069]", "", line) for line in seen["all"]]
    matrix = read_run(folder).matrix
    assert plain[0] == f"{FIRST[0]} right: {matrix[0, 0]} of {matrix[0].sum()} clips"
    assert plain[1].startswith(f"{FIRST[1]} → {FIRST[2]}: {matrix[1, 2]}")
    assert plain[2].startswith(f"{FIRST[2]} right")
    assert seen["wide"] == [] and seen["page"] <= seen["width"] and seen["alerts"] == 0
    assert seen["back"] == "rgb(22, 24, 27)"
