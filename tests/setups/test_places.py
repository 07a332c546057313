"""A mistake is told with its line, and with the word that was probably meant."""

import re

import pytest

from setupdesk.core.errors import InvalidRuleError
from setupdesk.setups.registry import BUILT_IN, parse_rule

RAID = (BUILT_IN / "IB_raid_v1.yaml").read_text(encoding="utf-8")


def find_mistakes(*changes: tuple[str, str]) -> list[str]:
    text = RAID
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    with pytest.raises(InvalidRuleError) as refusal:
        parse_rule("mine_v1.yaml", text)
    return list(refusal.value.mistakes)


def line_of(words: str) -> int:
    return next(n for n, line in enumerate(RAID.splitlines(), 1) if words in line)


@pytest.mark.parametrize(
    ("old", "new", "at", "wanted"),
    [
        ("sweep.extreme +", "ib.hihg +", "stop: {", r"'ib.hihg' is not known .* 'ib.high'\?"),
        ("<= ib.range", "<= ibb.range", "0.15", r"filters: 'ibb.range' .* mean 'ib.range'\?"),
        ("ib.low]", "ib.lo]", "levels: [", r"trigger.levels: 'ib.lo' .* mean 'ib.low'\?"),
        ("M15]", "M51]", "timefr", r"timeframes.2: 'M51' is not one of .* mean 'M5'\?"),
        ("length:", "lenth:", "length:", r"atr.lenth: there is no such key, .* 'length'\?"),
        ("stop: {", "stpo: {", "stop: {", r"stpo: there is no such key, did you mean 'stop'\?"),
        ("session.end - 2h", "sesion.end", "window: {f", r"window.to: 'sesion' .* 'session'\?"),
        ("kind: market", "kind: markt", "entry:", r"entry.kind: 'markt' .* mean 'market'\?"),
        (
            "minimum: 0, maximum: 1}",
            "minimum: 2, maximum: 1}",
            "buffer: {d",
            "the default must lie .*",
        ),
        ("(1, 2, 3, 4, 5)", "(8, 9)", "weekday in", r"filters.0: .* 7 \(Sunday\), 8 is none"),
        ("0.15*atr", "atr/0", "0.15", r"filters.1: a division by zero stands in 'atr / 0'"),
        (": 1*tick", ": -5*tick", "min_pen", r"min_penetration: a distance below .* '-5\*tick'"),
        ("  ru: Рейд", "  rus: Рейд", "title:", "title.ru: it is missing"),
    ],
)
def test_a_mistake_is_told_with_its_line(old: str, new: str, at: str, wanted: str) -> None:
    mistakes = find_mistakes((old, new))

    assert [one for one in mistakes if re.match(rf"line {line_of(at)}: .*{wanted}$", one)] != []


def test_each_mistake_of_the_whole_rule_is_told_once_and_in_its_own_line() -> None:
    mistakes = find_mistakes(
        ("sweep.extreme +", "ib.hihg +"), ("ib.low]", "ib.lo]"), ("session.end - 2h", "x.end")
    )

    assert [one.partition(": ")[0] for one in mistakes] == [
        f"line {line_of('levels: [')}",
        f"line {line_of('stop: {')}",
        f"line {line_of('window: {f')}",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("default: 0.05", "default: 7"),
        ("default: 0.05, minimum: 0, maximum: 1", "default: nothing"),
        ("{default: opposite,", "{default: oposite,"),
    ],
)
def test_a_wrong_param_is_told_once(old: str, new: str) -> None:
    mistakes = find_mistakes((old, new))

    assert all(re.match(rf"line {line_of(old)}: params\.", one) for one in mistakes)


def test_what_is_missing_at_the_top_has_no_line() -> None:
    assert find_mistakes(("exit: {flat: session.end}\n", "")) == ["exit: it is missing"]


def test_a_word_like_no_other_has_no_guess() -> None:
    [mistake] = find_mistakes(("min_rr: min_rr", "min_rr: min_rr\nzzzzzz: 1"))

    assert mistake.endswith("zzzzzz: there is no such key")


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("entry: {kind: market}", "entry: &e {kind: market}", "anchors and aliases"),
        ("entry: {kind: market}", "entry: {kind: market", "the YAML cannot be read"),
    ],
)
def test_what_is_no_yaml_of_ours_has_its_line_too(old: str, new: str, wanted: str) -> None:
    [mistake] = find_mistakes((old, new))

    line = re.match(r"line (\d+): ", mistake)
    assert line
    assert int(line[1]) in (line_of(old), line_of(old) + 1)
    assert wanted in mistake


def test_programs_get_the_path_of_each_mistake() -> None:
    with pytest.raises(InvalidRuleError) as refusal:
        parse_rule("a_v1.yaml", RAID.replace("stop: {", "stpo: {"))

    fields = [(problem.field, problem.code) for problem in refusal.value.problems]
    assert fields == [("stop", "invalid_rule"), ("stpo", "invalid_rule")]


def test_programs_get_what_was_probably_meant() -> None:
    with pytest.raises(InvalidRuleError) as refusal:
        parse_rule("a_v1.yaml", RAID.replace("[ib.high, ib.low]", "[ib.hgh, ib.low]"))

    assert [problem.suggestion for problem in refusal.value.problems] == ["ib.high"]
