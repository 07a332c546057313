"""Texts of pictures have real letters, and are broken and cut where there is no room."""

import numpy as np
import pytest

from setupdesk.picture.inks import Theme, find_inks
from setupdesk.picture.paper import Paper, load_font, shorten, wrap
from tests.picture.pixels import find, look_at

MISSING = "\uffff"
WORDS = "The quick brown fox jumps over the lazy dog"


@pytest.mark.parametrize("letter", "жЯёΩß…№₽€\N{MINUS SIGN}\N{EN DASH}")
def test_letters_of_many_languages_are_in_the_font(letter: str) -> None:
    font = load_font(30)

    assert bytes(font.getmask(letter)) != bytes(font.getmask(MISSING))


def test_every_letter_of_russian_looks_otherwise() -> None:
    font = load_font(30)
    drawn = {bytes(font.getmask(chr(code))) for code in range(0x430, 0x450)}

    assert len(drawn) == 32
    assert bytes(font.getmask(MISSING)) not in drawn


def test_a_text_that_is_too_wide_is_cut_and_one_that_fits_is_not() -> None:
    assert shorten("short", 13, 100) == "short"
    assert shorten(WORDS, 13, 100).endswith("…")
    assert load_font(13).getlength(shorten(WORDS, 13, 100)) <= 100
    assert shorten(WORDS, 13, 0) == "…"


def test_a_text_is_broken_at_its_spaces_and_the_last_line_is_cut() -> None:
    whole = wrap(WORDS, 13, 150, 5)
    cut = wrap(WORDS, 13, 100, 2)

    assert " ".join(whole) == WORDS
    assert len(cut) == 2
    assert cut[1].endswith("…")
    assert wrap("", 13, 100, 2) == [""]
    assert wrap("x" * 300, 13, 100, 2)[0].endswith("…")


def test_no_label_is_written_over_another_one() -> None:
    ink = find_inks(Theme.LIGHT).text
    papers = [Paper(find_inks(Theme.LIGHT)) for _ in range(2)]
    for count, paper in enumerate(papers, 1):
        for _ in range(count):
            paper.label([(100, 100, "ls")], "level", 13, ink)
    papers[1].label([(100, 100, "ls"), (300, 300, "ls")], "level", 13, ink)

    first, second = (look_at(paper.to_png()) for paper in papers)

    assert np.array_equal(first[:200], second[:200])
    assert find(second[280:310, 290:340], ink).any()


def test_a_label_is_written_beside_what_is_drawn_and_over_it_only_without_other_room() -> None:
    ink = find_inks(Theme.LIGHT).text
    drawn = [Paper(find_inks(Theme.LIGHT)) for _ in range(2)]
    for paper, spots in zip(drawn, ([100, 300], [100]), strict=True):
        paper.keep_clear((80, 80, 200, 110))
        paper.label([(100, y, "ls") for y in spots], "level", 26, ink)

    beside, over = (find(look_at(paper.to_png()), ink) for paper in drawn)

    assert not beside[:200].any()
    assert beside[270:310].any()
    assert over[:200].any()
