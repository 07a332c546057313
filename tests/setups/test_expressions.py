from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setupdesk.setups.expressions import ExpressionError, Kind, parse_expression

ROWS: dict[str, Any] = {
    "atr": np.array([100.0, 200.0, np.nan]),
    "ib.range": np.array([20.0, 20.0, 20.0]),
    "weekday": np.array([1.0, 6.0, 7.0]),
    "side_out": np.array([1.0, -1.0, 1.0]),
}


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("0.15*atr <= ib.range <= 1.0*atr", "truth", [True, False, False]),
        ("weekday in (1, 2, 6)", "truth", [True, True, False]),
        ("weekday in (1,)", "truth", [True, False, False]),
        ("not weekday == 1", "truth", [False, True, True]),
        ("weekday != 1 and weekday < 7", "truth", [False, True, False]),
        ("weekday > 6 or weekday >= 7 or weekday == 1", "truth", [True, False, True]),
        ("side_out*0.5*ib.range", "number", [10.0, -10.0, 10.0]),
        ("-ib.range + 2", "number", [-18.0, -18.0, -18.0]),
        ("ib.range / (weekday - 1) - 4", "number", [np.inf, 0.0, 20 / 6 - 4]),
    ],
)
def test_a_formula_is_computed_for_all_rows(text: str, kind: Kind, expected: list[Any]) -> None:
    formula = parse_expression(text, kind)

    value = formula(ROWS)

    np.testing.assert_allclose(value, expected)


def test_a_formula_of_scalars_gives_a_scalar() -> None:
    formula = parse_expression("3*tick", "number")

    value = formula({"tick": np.array(0.5)})

    assert value == 1.5


def test_a_bare_number_is_a_formula() -> None:
    formula = parse_expression(5, "number")

    value = formula({})

    assert value == 5


def test_no_rows_give_no_rows() -> None:
    formula = parse_expression("0.1*atr < 3", "truth")

    value = formula({"atr": np.empty(0)})

    assert value.shape == (0,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("__import__('os')", "'Call' is not allowed"),
        ("ib.range.__class__", "more than one dot"),
        ("(1).real < 2", "more than one dot"),
        ("ib[0] < 2", "'Subscript' is not allowed"),
        ("'a' < 2", "only numbers and names"),
        ("True", "only numbers and names"),
        ("1j < 2", "only numbers and names"),
        ("atr ** 2 < 3", "'Pow' is not allowed"),
        ("atr % 2 < 3", "'Mod' is not allowed"),
        ("atr // 2 < 3", "'FloorDiv' is not allowed"),
        ("+atr < 3", "'UAdd' is not allowed"),
        ("~atr < 3", "'Invert' is not allowed"),
        ("atr is 3", "'Is' is not allowed"),
        ("atr not in (1, 2)", "'NotIn' is not allowed"),
        ("weekday in 3", "needs a list in parentheses"),
        ("weekday in ()", "needs a list in parentheses"),
        ("lambda: 1", "'Lambda' is not allowed"),
        ("[1 for x in y]", "'ListComp' is not allowed"),
        ("1 if atr < 2 else 3", "'IfExp' is not allowed"),
        ("(x := 3) < 4", "'NamedExpr' is not allowed"),
        ("f'{atr}' < 2", "'JoinedStr' is not allowed"),
        ("x = 3", "cannot be read"),
        ("import os", "cannot be read"),
        ("atr <", "cannot be read"),
        ("", "cannot be read"),
        ("atr\0 < 3", "cannot be read"),
        ("(" * 99 + "1" + ")" * 98, "cannot be read"),
        ("atr < " + "1" * 200, "200 characters"),
        ("atr < 1e999", "too large"),
        ("atr < " + "9" * 190, None),
        ("atr + 1", "must be a condition"),
        ("not atr", "'atr' is a number where a condition is needed"),
        ("(atr < 2) + 1 < 3", "is a condition where a number is needed"),
        ("atr and 1 < 2", "is a number where a condition is needed"),
    ],
)
def test_anything_else_is_refused(text: str, reason: str | None) -> None:
    if reason is None:
        parse_expression(text, "truth")
        return

    with pytest.raises(ExpressionError, match=reason.replace("(", r"\(")):
        parse_expression(text, "truth")


@pytest.mark.parametrize("value", [True, None, [1], {"a": 1}])
def test_what_is_no_text_is_refused(value: object) -> None:
    with pytest.raises(ExpressionError, match="a formula such as"):
        parse_expression(value, "number")


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    formula = parse_expression("ibb < atr", "truth")

    with pytest.raises(ExpressionError, match=r"'ibb' is not known .*\(known: atr, ib.range\)"):
        formula.check_names(["ib.range", "atr"])


@given(st.text(max_size=60))
def test_no_text_gets_past_the_reader(text: str) -> None:
    try:
        formula = parse_expression(text, "number")
    except ExpressionError:
        return

    assert formula.kind == "number"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ib.range / gap > 3", [True, False, False]),
        ("ib.range / gap < 30", [True, False, False]),
        ("not ib.range / gap > 3", [False, False, False]),
        ("ib.range / gap != 3", [True, False, False]),
        ("not (ib.range / gap > 3 and weekday == 1)", [False, True, True]),
        ("ib.range / gap > 3 or weekday == 6", [True, True, False]),
        ("not ib.range / gap in (1, 2)", [True, False, False]),
        ("not not ib.range / gap > 3", [True, False, False]),
    ],
)
def test_what_is_divided_by_zero_or_unknown_makes_nothing_true(
    text: str, expected: list[bool]
) -> None:
    rows = {**ROWS, "gap": np.array([2.0, 0.0, np.nan])}

    value = parse_expression(text, "truth")(rows)

    assert value.tolist() == expected


@pytest.mark.parametrize("text", ["ib.range/0", "1/(2 - 2) > atr", "atr/(tick - tick) > 1"])
def test_a_division_by_a_constant_zero_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match="a division by zero stands in"):
        parse_expression(text, "truth" if ">" in text else "number")


@pytest.mark.parametrize(
    "text", ["weekday in (8, 9)", "weekday == 0", "0 < weekday", "weekday in (1, 2.5)"]
)
def test_a_day_that_no_week_has_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"1 \(Monday\) to 7 \(Sunday\), .* is none"):
        parse_expression(text, "truth")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("-5*tick", True), ("-1", True), ("0", False), ("2 - tick", False), ("-1*atr", False)],
)
def test_what_is_negative_on_every_market_says_so(text: str, *, expected: bool) -> None:
    assert parse_expression(text, "number").is_negative is expected
