import copy
from typing import Any

import pytest
from pydantic import ValidationError

from setupdesk.core.errors import InvalidRuleError
from setupdesk.core.setup_terms import Param
from setupdesk.core.timeframe import Timeframe
from setupdesk.setups.definition import Setup
from setupdesk.setups.registry import load_registry
from setupdesk.setups.rule import Rule, read_rule
from setupdesk.setups.triggers import SweepReclaim


@pytest.fixture
def raid() -> Rule:
    rule = load_registry().find("IB_raid_v1")
    assert rule is not None
    return rule


@pytest.fixture
def raw(raid: Rule) -> dict[str, Any]:
    return copy.deepcopy(dict(raid.raw))


def test_the_terms_say_what_a_request_may_change(raid: Rule) -> None:
    terms = raid.terms

    assert terms.setup_id == "IB_raid_v1"
    assert terms.timeframes == (Timeframe.M1, Timeframe.M5, Timeframe.M15)
    assert terms.min_rr == 1.0
    assert terms.params["target"] == Param(default="opposite", choices=("opposite", "mid"))
    assert terms.params["stop_buffer"] == Param(default=0.05, minimum=0, maximum=1)


def test_a_rule_resolves_to_its_defaults(raid: Rule) -> None:
    setup = raid.resolve({}, None, None)

    assert setup.stop.price.text == "sweep.extreme + side_out*0.05*ib.range"
    assert setup.target.price is not None
    assert setup.target.price.text == "ib.opposite"
    assert setup.min_rr == 1.0
    assert patience_of(setup) == 45
    assert setup.limits.max_trades_per_session == 1


def test_a_request_changes_params_only(raid: Rule) -> None:
    setup = raid.resolve(
        {"target": "mid", "stop_buffer": 1, "min_rr": 0, "reclaim_within": "90m"}, None, None
    )

    assert setup.stop.price.text == "sweep.extreme + side_out*1.0*ib.range"
    assert setup.target.price is not None
    assert setup.target.price.text == "ib.mid"
    assert setup.min_rr == 0
    assert patience_of(setup) == 90


def test_an_rr_target_replaces_the_target(raid: Rule) -> None:
    setup = raid.resolve({}, 2.5, None)

    assert setup.target.price is None
    assert setup.target.rr == 2.5


def test_max_trades_is_per_session_and_leaves_the_limit_per_side(raid: Rule) -> None:
    setup = raid.resolve({}, None, 3)

    assert setup.limits.max_trades_per_session == 3
    assert setup.limits.max_trades_per_side == 1


def test_an_unknown_param_is_a_bug(raid: Rule) -> None:
    with pytest.raises(KeyError, match="buffer"):
        raid.resolve({"buffer": 1}, None, None)


def test_a_setup_keeps_the_digest_of_the_published_rule(raid: Rule) -> None:
    changed = raid.resolve({"min_rr": 3}, 4, 5)

    assert changed.digest == raid.digest == raid.default.digest
    assert len(raid.digest) == 64


def test_the_digest_depends_on_the_content_and_not_on_its_order(raw: dict[str, Any]) -> None:
    rule = read_rule("a", raw)
    turned = read_rule("a", dict(reversed(raw.items())))
    changed = read_rule("a", raw | {"min_rr": 1.5} | {"params": _without(raw, "min_rr")})

    assert turned.digest == rule.digest
    assert changed.digest != rule.digest


def test_a_setup_cannot_be_changed(raid: Rule) -> None:
    with pytest.raises(ValidationError):
        raid.default.min_rr = 2.0


def test_a_choice_that_is_a_sum_keeps_its_sense_inside_a_product(raw: dict[str, Any]) -> None:
    raw["params"]["width"] = {"default": "wide", "choices": {"wide": "ib.range + atr"}}
    raw["stop"] = {"price": "sweep.extreme + side_out*stop_buffer*width"}

    setup = read_rule("a", raw).default

    assert setup.stop.price.text == "sweep.extreme + side_out*0.05*(ib.range + atr)"


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"id": "IB_raid"}, "id: 'IB_raid' does not have the form"),
        ({"id": "IB_raid_v0"}, "id: 'IB_raid_v0' does not have the form"),
        ({"stpo": {"price": "ib.mid"}}, "stpo: there is no such key"),
        ({"digest": "0"}, "digest: there is no such key"),
        ({"title": {"en": "Raid"}}, "title.ru: it is missing"),
        ({"title": {"en": "a", "b": "c", "ru": "d"}}, "title.b: there is no such key"),
        ({"timeframes": ["M2"]}, "timeframes.0: 'M2' is not one of 'M1', 'M5'"),
        ({"timeframes": ["M1", "M1"]}, "timeframes: a timeframe stands here twice"),
        ({"filters": ["ibb.range < atr"]}, "filters: 'ibb.range' is not known"),
        ({"filters": ["ibb.range < atr"]}, "(known: atr, ib.high, ib.low, ib.mid, ib.range"),
        ({"filters": ["__import__('os')"]}, "filters.0: 'Call' is not allowed"),
        ({"filters": ["ib.range"]}, "must be a condition, it is a number"),
        ({"filters": ["sweep.extreme > 1"]}, "'sweep.extreme' is not known"),
        ({"stop": {"price": "ib.low < 3"}}, "must be a number, it is a condition"),
        ({"stop": {"price": "ib.top + stop_buffer"}}, "stop.price: 'ib.top' is not known"),
        ({"target": {"price": "target", "rr": 2}}, "target: give either a price or an rr"),
        ({"window": {"from": "ibb.end", "to": "session.end"}}, "window.from: 'ibb' has no start"),
        ({"window": {"from": 600, "to": "session.end"}}, "window.from: write a moment such as"),
        ({"exit": {"flat": "atr.end"}}, "exit.flat: 'atr' has no start or end"),
        ({"min_rr": "minrr"}, "min_rr: it must be a number, 'minrr' is not"),
        ({"limits": {"max_trades_per_session": 0}}, "limits.max_trades_per_session: 0 is wrong"),
        ({"entry": {"kind": "limit"}}, "entry: a limit entry needs a price"),
        ({"entry": {"kind": "stop"}}, "entry.kind: sweep_reclaim needs market or limit, not stop"),
        ({"entry": {"kind": "auction"}}, "entry.kind: 'auction' is not one of 'market', 'stop'"),
        ({"levels": {}}, "levels: {} is wrong"),
        ({"params": ["target"]}, "params: a list of names is needed"),
        ({"exit": {"flat": None}}, "exit.flat: nothing stands here"),
        ({"min_rr": True}, "min_rr: true and false mean nothing here"),
        ({"min_rr": float("nan")}, "min_rr: the number must be finite"),
        ({15: "a"}, "the key 15 must be text"),
    ],
)
def test_a_wrong_rule_is_refused_in_plain_words(
    raw: dict[str, Any], change: dict[str, Any], mistake: str
) -> None:
    with pytest.raises(InvalidRuleError) as refusal:
        read_rule("IB_raid_v1.yaml", raw | change)

    assert mistake in str(refusal.value)


@pytest.mark.parametrize(
    ("path", "value", "mistake"),
    [
        (("trigger", "kind"), "sweep", "trigger.kind: 'sweep' is not one of 'sweep_reclaim'"),
        (("trigger", "reclaim_within"), "45 min", "write a duration such as 45m, 1h or 3bars"),
        (("trigger", "reclaim_within"), 45, "write a duration such as 45m, 1h or 3bars"),
        (("trigger", "levels"), ["ib.mid"], "'ib.mid' is not known (known: ib.high, ib.low)"),
        (("levels", "ib", "kind"), "range", "levels.ib.kind: 'range' is not one of"),
        (("levels", "ib", "widow"), "x", "levels.ib.widow: there is no such key"),
        (("levels", "atr", "timeframe"), "M2", "levels.atr.timeframe: 'M2' is not one of 'M1'"),
        (("levels", "side"), {"kind": "atr", "timeframe": "D1", "length": 3}, "'side' is taken"),
        (("params", "atr"), {"default": 1, "minimum": 0, "maximum": 2}, "params.atr: the name is"),
        (("params", "x"), {"default": 1, "minimum": 0, "maximum": 2}, "params.x: it stands now"),
        (("params", "stop_buffer", "default"), 3, "params.stop_buffer: the default must lie"),
        (("params", "target", "default"), "low", "the default 'low' is not among the choices"),
        (("params", "target", "choices", "bad"), "ib.top", "'ib.top' is not known"),
        (("params", "min_rr", "maximum"), 1000, "min_rr: '1000.0' is wrong"),
    ],
)
def test_a_wrong_part_is_refused_in_plain_words(
    raw: dict[str, Any], path: tuple[str, ...], value: object, mistake: str
) -> None:
    part = raw
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value

    with pytest.raises(InvalidRuleError) as refusal:
        read_rule("IB_raid_v1.yaml", raw)

    assert mistake in str(refusal.value)


def test_all_mistakes_are_told_at_once(raw: dict[str, Any]) -> None:
    raw["stpo"] = raw.pop("stop")
    raw["filters"] = ["ib.range"]

    with pytest.raises(InvalidRuleError) as refusal:
        read_rule("IB_raid_v1.yaml", raw)

    told = " ".join(refusal.value.mistakes)
    assert "stop: it is missing" in told
    assert "stpo: there is no such key" in told
    assert "filters.0" in told


@pytest.mark.parametrize("raw", [None, [], "IB_raid_v1"])
def test_a_file_that_is_no_rule_is_refused(raw: object) -> None:
    with pytest.raises(InvalidRuleError, match="a rule is a list of keys"):
        read_rule("a.yaml", raw)


def _without(raw: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in raw["params"].items() if key != name}


def patience_of(setup: Setup) -> int:
    assert isinstance(setup.trigger, SweepReclaim)
    return setup.trigger.reclaim_within.minutes
