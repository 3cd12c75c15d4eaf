"""Text on pictures: any script, no boxes, no markup, no warning, never wider than its place."""

import numpy as np
import pytest
from matplotlib import font_manager
from pictures import ODD

from actioncnn.figures import text

SCRIPTS = ["Basketball", "篮球 バスケ 농구", "كرة السلة", "כדורסל", "🏀⚽", "बास्केटबॉल", "บาส", "$x_1$", "_private"]


@pytest.mark.parametrize("line", SCRIPTS)
def test_every_letter_is_in_a_font(line, capsys):
    """What no font has would be a box, and a line that names the remedy."""
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in text.families(line)]
    assert all(any(font.get_char_index(ord(letter)) for font in fonts) for letter in line)
    ink = text.coverage(line, 20)
    assert ink.shape[0] == 30 and ink.max() > 0.8 and ink[:, -1].max() < 0.9
    assert not capsys.readouterr().err


def clear_fonts():
    for function in (text.other_fonts, text.family_of, text.warn_of_missing_font, text.coverage):
        function.cache_clear()


@pytest.fixture
def fonts(monkeypatch):
    """fonts(family, ...): these alone are installed, of those that are."""
    known = text.other_fonts()

    def install(*families):
        clear_fonts()
        monkeypatch.setattr(text, "other_fonts", lambda: {name: known[name] for name in families})

    yield install
    monkeypatch.undo()
    clear_fonts()


def test_a_letter_in_no_font_is_said_once(fonts, capsys):
    fonts()
    assert text.families("篮") == [text.BASE_FONT]
    assert text.coverage("篮球", 20).max() > 0.8 and text.coverage("كرة", 20).size  # DejaVu Sans has Arabic letters
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "requirements-fonts.txt" in error


def test_a_line_takes_the_fonts_that_it_needs():
    assert text.families("Basketball é") == [text.BASE_FONT]
    assert len(text.families("Basketball 篮球")) == 2 and len(text.families("篮球 บาส")) == 3


def test_fonts_that_cannot_be_drawn_with_are_passed_over(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert not text.has_letter(tmp_path / "broken.ttf", "a")


def test_a_dollar_is_a_dollar_and_letters_are_joined():
    assert text.coverage("$x$", 20).shape[1] > 1.5 * text.coverage("x", 20).shape[1]
    apart = sum(text.coverage(letter, 40).shape[1] for letter in "سلسل")
    assert text.coverage("سلسل", 40).shape[1] < 0.9 * apart  # Arabic


@pytest.mark.parametrize("name", ODD + SCRIPTS + ["two\nlines\tand\x1b[31m color\u202e", ""])
@pytest.mark.parametrize("width", [30, 120])
def test_it_fits(name, width):
    line, size = text.fit(name, width, 16, 11)
    assert 11 <= size <= 16 and (text.coverage(line, size).shape[1] <= width or len(line) <= 3)
    assert not set(line) & set("\n\t\x1b\u202e\udcff")


def test_long_names_lose_their_middle():
    assert text.shown("a" * 20 + "b" * 20, 10) == "aaaaa…bbbb" and len(text.shown("x" * 99)) == text.NAME
    assert text.shown("Archery") == "Archery" and text.shown("bad\udcff \n name") == "bad? \\n name"


def test_draw_writes_in_place_and_is_cut_at_the_edge():
    canvas = np.full((20, 30, 3), 255, np.uint8)
    text.draw(canvas, 5, 8, "WWWWWW", 16, (200, 0, 0))
    assert (canvas[:, :5] == 255).all() and (canvas[:8] == 255).all()
    red = canvas[8:, 5:]
    assert red[..., 1].min() < 60 and red[..., 0].min() >= 200
    text.draw(canvas, 5, 8, "", 16)


def test_shares_beside_arabic_names_stay_whole():
    """The number and its % stand to the right of the name: the right end is as that of a plain line."""
    arabic, plain = (text.coverage(line, 20) for line in ("كرة 74.6%", "A 74.6%"))
    wide = text.coverage("74.6%", 20).shape[1] - 4
    assert np.abs(arabic[:, -wide:] - plain[:, -wide:]).mean() < 0.05
    assert text.left_to_right("A 74.6%") == "A 74.6%"


def test_long_names_are_cut_so_that_they_differ():
    names = [f"A_very_long_name_that_goes_on_and_on_{word}_and_ends_as_the_others_do" for word in ("left", "right")]
    cut = text.distinct([*names, "short"])
    assert len(set(cut)) == 3 and cut[2] == "short" and max(map(len, cut)) <= text.NAME
    assert "left" in cut[0] and "right" in cut[1]
