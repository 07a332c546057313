"""The PNG of an equity has its steps, its end and its drawdown, for one trade as for many."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from setupdesk.picture.equity import draw_equity
from setupdesk.picture.frame import BOTTOM, LEFT, RIGHT, TOP
from setupdesk.picture.inks import Theme, find_inks
from setupdesk.picture.paper import HEIGHT, WIDTH
from tests.picture.pixels import CAPTION, find, look_at

LIGHT = find_inks(Theme.LIGHT)
PLACE = slice(TOP, BOTTOM), slice(LEFT, RIGHT)


def equity_of(results: list[float]) -> list[dict[str, Any]]:
    totals = np.cumsum(results)
    below = np.maximum.accumulate(np.maximum(totals, 0.0)) - totals
    first = datetime(2024, 11, 4, 15, tzinfo=UTC)
    return [
        {"at": (first + timedelta(hours=7 * row)).isoformat(), "r": total, "drawdown_r": depth}
        for row, (total, depth) in enumerate(zip(totals.tolist(), below.tolist(), strict=True))
    ]


def draw(results: list[float], **how: Any) -> Any:
    return look_at(draw_equity(equity_of(results), CAPTION, "America/New_York", **how))


@pytest.mark.parametrize("theme", Theme)
@pytest.mark.parametrize("results", [[1.5], [-1.0], [0.0], [1.0, -1.0] * 3_000])
def test_it_is_drawn_for_any_number_of_trades(results: list[float], theme: Theme) -> None:
    pixels = draw(results, theme=theme)

    inks = find_inks(theme)
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert (find(pixels[PLACE], inks.up) | find(pixels[PLACE], inks.down)).any()


def test_what_is_won_rises_and_ends_in_a_tag_of_its_ink() -> None:
    pixels = draw([1.0] * 50)

    ups = find(pixels[PLACE], LIGHT.up)
    heights = [int(np.flatnonzero(ups[:, x])[0]) for x in (50, 500, 1000)]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 3
    assert find(pixels[:, RIGHT + 5 : RIGHT + 8], LIGHT.up).all(axis=1).sum() == 37
    assert not find(pixels[:, RIGHT:], LIGHT.down).any()


def test_what_is_lost_goes_down_in_the_ink_of_losses_and_so_does_its_drawdown() -> None:
    pixels = draw([-1.0] * 50)

    assert not find(pixels[PLACE], LIGHT.up).any()
    lows = [np.flatnonzero(find(pixels[PLACE], LIGHT.down)[:, x])[-1] for x in (50, 500, 1000)]
    assert lows == sorted(lows)


def test_a_dip_of_one_trade_among_thousands_is_seen() -> None:
    calm = [0.001] * 4_000

    plain, dipped = (draw([*calm, *dip, *calm]) for dip in ([0.0, 0.0], [-30.0, 30.0]))

    assert find(dipped[PLACE], LIGHT.down).any(axis=1).sum() > 80
    assert find(plain[PLACE], LIGHT.down).any(axis=1).sum() < 5


def test_it_speaks_russian() -> None:
    english, russian = (draw([1.0] * 9, language=language) for language in ("en", "ru"))

    assert (
        english[TOP : TOP + 20, LEFT : LEFT + 120] != russian[TOP : TOP + 20, LEFT : LEFT + 120]
    ).any()
