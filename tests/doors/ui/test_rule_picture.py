"""Pictures of rules: candles, levels, entry, stop and target stand where the rule puts them."""

import re
from importlib.resources import files
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from setupdesk.doors.ui.rule_picture import draw_rule
from setupdesk.doors.ui.rule_picture.telling import tell_story
from setupdesk.doors.ui.rule_picture.trade import Trade, take_trade
from setupdesk.doors.ui.rule_words import tell_rule
from setupdesk.setups.rule import read_rule

RULES = {
    file.name.removesuffix(".yaml"): YAML(typ="safe").load(file.read_text("utf-8"))
    for file in files("setupdesk.setups").joinpath("rules").iterdir()
    if file.name.endswith(".yaml")
}


def take(raw: dict[str, Any], side: int) -> Trade:
    setup = read_rule("a rule", raw).default
    story = tell_story(setup, side, str)
    assert story is not None
    return take_trade(setup, story, side)


@pytest.mark.parametrize("side", [1, -1], ids=["long", "short"])
@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_is_a_sound_trade_on_each_side(name: str, side: int) -> None:
    trade = take(RULES[name], side)

    for before, after in pairwise(trade.candles):
        assert before.low <= min(before.open, before.close)
        assert before.high >= max(before.open, before.close)
        assert after.open == before.close or name == "Gap_fill_v1" or trade.story.zones
    assert trade.stop is not None
    assert (trade.entry - trade.stop) * side > 0
    if trade.target is not None:
        assert (trade.target - trade.entry) * side > 0
    opened, later = trade.candles[trade.bar], trade.candles[trade.bar + 1 :]
    assert opened.low <= trade.entry <= opened.high
    assert all(one.low > trade.stop if side > 0 else one.high < trade.stop for one in later)


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_has_a_picture_that_stands_alone_in_both_themes(name: str) -> None:
    light, dark = (draw_rule(RULES[name], str, theme) for theme in ("light", "dark"))

    assert light
    assert dark
    assert light != dark
    words = " ".join(ET.fromstring(light).itertext())  # noqa: S314 (our own)
    assert "stop" in words
    assert "entry" in words
    assert ("target" in words) is (RULES[name]["target"] != {})
    assert not re.search(r"nan|None|href|http(?!://www.w3.org/2000/svg)", light)


def test_stop_and_target_are_those_of_the_formulas() -> None:
    raid = take(RULES["IB_raid_v1"], 1)
    middle = take(
        RULES["IB_raid_v1"]
        | {
            "target": {"price": "ib.mid"},
            "params": {
                name: one for name, one in RULES["IB_raid_v1"]["params"].items() if name != "target"
            },
        },
        1,
    )

    edge, extreme = raid.story.ranges["ib"], raid.story.prices["sweep.extreme"]
    assert raid.target == edge.high
    assert middle.target == (edge.high + edge.low) / 2
    assert raid.stop == pytest.approx(extreme - 0.05 * (edge.high - edge.low))
    assert min(one.low for one in raid.story.candles) == extreme < edge.low


def test_the_gap_of_a_retest_lies_between_the_first_and_the_third_bar() -> None:
    for name in ("FVG_BOS_v1", "Silver_bullet_v1"):
        trade = take(RULES[name], 1)
        [zone] = trade.story.zones
        first, _, third = trade.candles[zone.first : zone.first + 3]

        assert (first.high, third.low) == (zone.low, zone.high)
        assert zone.low <= trade.entry <= zone.high


def test_a_target_far_away_is_shown_as_a_direction() -> None:
    trade = take(RULES["ORB5_dir_v1"], 1)
    picture = draw_rule(RULES["ORB5_dir_v1"], str, "light")

    assert trade.is_beyond
    assert picture
    assert "target 10R ↑" in picture


def test_a_rule_that_only_sells_is_drawn_as_a_short_and_one_with_a_plug_in_is_not_drawn() -> None:
    short = draw_rule(RULES["IB_raid_v1"] | {"sides": ["short"]}, str, "light")

    assert short
    assert short != draw_rule(RULES["IB_raid_v1"], str, "light")
    assert draw_rule(RULES["IB_raid_v1"] | {"trigger": {"kind": "my_own"}}, str, "light") is None


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_is_told_in_words_without_a_gap(name: str) -> None:
    told = dict(tell_rule(RULES[name]))

    assert next(iter(told)) == "Levels"
    assert {"Trigger", "When", "Entry", "Stop", "Target", "Exit", "Limits"} <= told.keys()
    for sentence in (one for said in told.values() for one in said):
        assert "{" not in sentence
        assert "kind" not in sentence
        assert not re.search(r"`(reclaim_within|stop_buffer|min_rr|extension)`", sentence)
