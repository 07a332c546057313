"""The PNG of candles has every bar, price and name where it belongs, in both themes."""

from typing import Any

import numpy as np
import pytest

from setupdesk.picture.candles import BARS, ROOM, draw_candles, find_rows
from setupdesk.picture.frame import BOTTOM, LEFT, RIGHT, SMALL, TOP, Caption
from setupdesk.picture.inks import Theme, find_inks
from setupdesk.picture.packing import pack_bars, unpack_bars
from setupdesk.picture.paper import HEIGHT, WIDTH
from tests.picture.pixels import CAPTION, at, draw_bars, find, look_at, trade_of

LIGHT = find_inks(Theme.LIGHT)
PLACE = slice(TOP, BOTTOM), slice(LEFT, RIGHT)


def draw(picture: Any, caption: Caption = CAPTION, chosen: int | None = None) -> Any:
    return look_at(draw_candles(picture, caption, Theme.LIGHT, chosen))


@pytest.mark.parametrize("theme", Theme)
def test_a_picture_has_its_size_and_the_ground_of_its_theme(theme: Theme) -> None:
    png = draw_candles(draw_bars(200, trades=[trade_of(1, 150, 160)]), CAPTION, theme, 1)

    pixels = look_at(png)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert tuple(pixels[0, 0]) == find_inks(theme).ground[:3]
    assert len(png) < 100_000


def test_each_bar_is_a_candle_of_its_own_and_they_take_turns_from_left_to_right() -> None:
    pixels = draw(draw_bars(BARS))[PLACE]

    ups, downs = (find(pixels, ink) for ink in (LIGHT.candle_up, LIGHT.candle_down))
    # Between the open of a rising bar and its low there is its wick alone.
    row = int(np.flatnonzero(downs.any(axis=1))[-1]) - 8
    marks = [(x, "up") for x in np.flatnonzero(ups[row])]
    marks += [(x, "down") for x in np.flatnonzero(downs[row])]
    places, kinds = zip(*sorted(marks), strict=True)
    gaps = np.diff(places)
    assert len(marks) == BARS
    assert (gaps.min(), gaps.max()) == (5, 6)
    assert kinds[:4] == ("up", "down", "up", "down")


def test_entry_stop_and_target_of_the_chosen_trade_lead_to_the_edge_in_their_inks() -> None:
    picture = draw_bars(200, trades=[trade_of(1, 20, 30), trade_of(2, 150, 160)])

    pixels = draw(picture, chosen=2)

    gutter = pixels[TOP:BOTTOM, RIGHT + 4]
    rows = {
        name: np.flatnonzero((gutter == ink[:3]).all(axis=1))
        for name, ink in (("target", LIGHT.up), ("entry", LIGHT.accent), ("stop", LIGHT.down))
    }
    target, entry, stop = (TOP + round(rows[name].mean()) for name in ("target", "entry", "stop"))
    # The target is twice as far as the stop.
    assert abs((entry - target) - 2 * (stop - entry)) <= 2
    line = find(pixels[entry : entry + 1], LIGHT.accent)[0]
    assert line[LEFT:RIGHT].sum() > 40
    assert find(pixels[target : target + 1], LIGHT.accent).sum() == 0


def test_the_last_close_has_a_tag_in_the_ink_of_its_bar() -> None:
    for count, ink in ((21, LIGHT.candle_up), (20, LIGHT.candle_down)):
        pixels = draw(draw_bars(count))

        rows = np.flatnonzero(find(pixels[:, RIGHT + 5 : RIGHT + 8], ink).all(axis=1))
        assert rows[-1] - rows[0] == len(rows) - 1 == 36


def test_a_level_is_a_line_from_where_it_is_known_to_the_close_of_its_session() -> None:
    session = {"day": "2025-05-05", "known_at": at(32), "levels": {"ib.high": 103.7}}
    lines = []
    for levels in ({}, session["levels"]):
        pixels = draw(draw_bars(80, sessions=[session | {"levels": levels}]))
        lines.append(find(pixels[PLACE], LIGHT.of_level(0)).sum(axis=1))

    slot = (RIGHT - LEFT) / (80 + ROOM)
    assert lines[0].max() == 0
    # It opens at row 28 and closes after row 61; candles stand before the line.
    assert 0.2 * 30 * slot < lines[1].max() <= 30 * slot


def test_a_session_is_a_ground_of_its_own() -> None:
    session: dict[str, Any] = {"day": "2025-05-05", "known_at": None, "levels": {}}
    plain, marked = (draw(draw_bars(80, sessions=some)) for some in ([], [session]))

    columns = np.flatnonzero((plain[TOP + 1] != marked[TOP + 1]).any(axis=1))
    slot = (RIGHT - LEFT) / (80 + ROOM)
    assert columns[0] == pytest.approx(LEFT + 28 * slot, abs=2)
    assert columns[-1] == pytest.approx(LEFT + 62 * slot, abs=2)


@pytest.mark.parametrize("count", [1, 2, 3_000])
def test_any_number_of_bars_is_drawn(count: int) -> None:
    pixels = draw(draw_bars(count))[PLACE]

    drawn = find(pixels, LIGHT.candle_up).any(axis=0) | find(pixels, LIGHT.candle_down).any(axis=0)
    assert drawn.sum() >= min(count, BARS)


def test_one_bar_that_did_not_move_is_drawn_as_a_line() -> None:
    columns = {name: [100.0] for name in ("open", "high", "low", "close")}
    picture = draw_bars(1)
    picture["bars"] = pack_bars({**columns, "time": [0]}, 0.1)

    rows = np.flatnonzero(find(draw(picture)[PLACE], LIGHT.candle_up).any(axis=1))

    assert len(rows) == 1


def test_very_long_names_stay_inside_and_push_nothing_aside() -> None:
    session = {"day": "2025-05-05", "known_at": at(32), "levels": {"level." + "x" * 400: 103.7}}
    picture = draw_bars(80, sessions=[session])
    caption = Caption("A very long name of a setup, " * 20, "Word " * 400)

    long, plain = draw(picture, caption), draw(draw_bars(80), Caption("", ""))

    assert (long[:, :LEFT] == plain[:, :LEFT]).all()
    assert (long[:, WIDTH - LEFT + 1 :] == plain[:, WIDTH - LEFT + 1 :]).all()
    assert (long[TOP - 10 : TOP] == plain[TOP - 10 : TOP]).all()


def test_the_language_is_that_of_the_picture() -> None:
    picture = draw_bars(200, trades=[trade_of(1, 150, 160)])

    english, russian = (
        draw({**picture, "language": language}, chosen=1) for language in ("en", "ru")
    )

    edge = slice(TOP, BOTTOM), slice(RIGHT - 80, RIGHT)
    assert (english[edge] != russian[edge]).any()
    assert (english[:48, : WIDTH // 2] == russian[:48, : WIDTH // 2]).all()


def test_an_open_trade_reaches_to_the_edge_and_has_no_exit() -> None:
    picture = draw_bars(40)
    picture["trades"] = [
        trade_of(1, 30, 39) | {"from": 30, "to": 39, "exit": None, "r": None, "exit_reason": None}
    ]

    pixels = draw(picture, chosen=1)

    column = pixels[TOP:BOTTOM, RIGHT - 3]
    assert len(np.unique(column, axis=0)) > 4


def test_the_bars_around_a_trade_are_shown_and_all_of_a_long_one() -> None:
    last = find_rows(1_000, None)
    middle = find_rows(1_000, {"from": 500, "to": 520})
    late = find_rows(1_000, {"row": 999})
    early = find_rows(1_000, {"from": 2, "to": 5})
    long = find_rows(1_000, {"from": 300, "to": 800})

    assert last == late == range(1_000 - BARS, 1_000)
    assert len(middle) == len(early) == BARS
    assert middle.start < 500 - 60
    assert middle.stop > 520 + 30
    assert early.start == 0
    assert {300, 800} <= set(long)
    assert find_rows(1, {"row": 0}) == range(1)


@pytest.mark.parametrize("move", [2_000.0, -90.0])
def test_the_session_of_an_alert_fills_the_height_whatever_moved_before_it(move: float) -> None:
    picture = draw_bars(BARS + 20, sessions=[{"day": "2025-05-06", "known_at": None, "levels": {}}])
    bars = unpack_bars(picture["bars"])
    columns: Any = {name: getattr(bars, name) for name in ("time", "open", "high", "low", "close")}
    for name in ("open", "high", "low", "close"):
        columns[name][:110] += np.linspace(move, 0, 110)
    picture["bars"] = pack_bars(columns, bars.tick)
    picture["alerts"] = [{"number": 1, "side": "long", "row": 195, "isOpen": True}]

    pixels = draw(picture, chosen=1)

    candles = find(pixels, LIGHT.candle_up) | find(pixels, LIGHT.candle_down)
    opens = round((RIGHT - LEFT) * (picture["sessions"][0][0] - 20) / (BARS + ROOM))
    session, before = candles[PLACE][:, opens:], candles[PLACE][:, :opens]
    assert session.any(axis=1).sum() > 0.6 * (BOTTOM - TOP)
    assert before.any()
    assert not candles[:TOP, : RIGHT + 1].any()
    assert not candles[BOTTOM + 1 :].any()


def test_texts_are_large_enough_for_a_phone_which_shows_a_third_of_the_width() -> None:
    assert SMALL >= 28


def test_a_long_price_stays_inside_of_its_tag() -> None:
    picture = draw_bars(40)
    long = {**picture, "bars": {**picture["bars"], "decimals": 0, "step": 100_000}}

    pixels = draw(long)

    assert (pixels[TOP:BOTTOM, WIDTH - 5 :] == LIGHT.ground[:3]).all()
