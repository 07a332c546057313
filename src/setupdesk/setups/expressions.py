"""Expressions: the one-line formulas in which a rule states its filters and prices.

A formula is read once into a chain of closures over a whitelist of Python's syntax and then
computed for all rows at a time. Nothing is ever handed to ``eval``.
"""

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Value = NDArray[Any]
Environment = Mapping[str, Value]
Kind = Literal["number", "truth"]

LONGEST = 200
"""Characters; it also bounds how deep a formula can nest."""

TICK = "tick"
WEEKDAY = "weekday"
DAYS = range(1, 8)

_ANY_TICK = (1e-9, 1e9)
"""A sum that is negative with the finest and with the coarsest is so with every one."""

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


class ExpressionError(ValueError):
    """The formula is not one that a rule may contain."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula that is ready to compute."""

    text: str
    kind: Kind
    """``truth`` for a condition, ``number`` for a price or a distance in points."""

    names: frozenset[str]
    _run: Callable[[Environment], Value] = field(repr=False, compare=False)

    def __call__(self, environment: Environment) -> Value:
        """Compute the formula for all rows; an empty *environment* row set gives an empty one.

        A comparison with what is unknown or divided by zero (NaN, infinite) does not hold, and
        neither does its contrary.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self._run(environment))

    @property
    def is_negative(self) -> bool:
        """Say whether it is below zero on every market, which only constants and ticks can be."""
        if self.kind != "number" or not self.names <= {TICK}:
            return False
        return all(self({TICK: np.array(tick)}) < 0 for tick in _ANY_TICK)

    def check_names(self, known: Iterable[str]) -> None:
        """Raise ``ExpressionError`` if the formula says a name that is not *known*."""
        words = sorted(known)
        for name in sorted(self.names.difference(words)):
            raise ExpressionError(f"{name!r} is not known in {self.text!r} (known: {_list(words)})")


def parse_expression(text: object, kind: Kind) -> Expression:
    """Read a formula; it must give a *kind*. Raises ``ExpressionError``."""
    return _parse(_as_text(text), kind)


# A batch reads the same formulas for each of its variants.
@lru_cache(maxsize=1024)
def _parse(written: str, kind: Kind) -> Expression:
    root = _read(_syntax_of(written))
    if root.kind != kind:
        raise ExpressionError(f"{written!r} must be {_KINDS[kind]}, it is {_KINDS[root.kind]}")
    return Expression(written, kind, root.names, root.run)


_KINDS: dict[Kind, str] = {"number": "a number", "truth": "a condition"}


@dataclass(frozen=True, slots=True)
class _Node:
    kind: Kind
    names: frozenset[str]
    run: Callable[[Environment], Any]
    deny: Callable[[Environment], Any] | None = None
    """Of a truth: where its contrary is known to hold."""


def _as_text(text: object) -> str:
    # A bare number is a formula too: ``price: 5`` or a parameter put in place.
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ExpressionError(f"a formula such as 0.5*ib.range is needed, not {text!r}")
    written = str(text).strip()
    if len(written) > LONGEST:
        raise ExpressionError(f"a formula may have {LONGEST} characters, this has {len(written)}")
    return written


def _syntax_of(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ExpressionError(f"{text!r} cannot be read as a formula") from None


def _read(node: ast.expr) -> _Node:
    reader = _READERS.get(type(node))
    if reader is None:
        raise _not_allowed(node)
    return reader(node)


def _read_number(node: ast.Constant) -> _Node:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise ExpressionError(f"{node.value!r} is not allowed, only numbers and names are")
    number = _finite(node.value)
    return _Node("number", frozenset(), lambda _: number)


def _finite(written: float) -> np.float64:
    try:
        number = float(written)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ExpressionError("a number is too large")
    return np.float64(number)


def _read_name(node: ast.Name) -> _Node:
    return _look_up(node.id)


def _read_attribute(node: ast.Attribute) -> _Node:
    if not isinstance(node.value, ast.Name):
        raise ExpressionError(f"{ast.unparse(node)!r} has more than one dot")
    return _look_up(f"{node.value.id}.{node.attr}")


def _look_up(name: str) -> _Node:
    return _Node("number", frozenset((name,)), lambda environment: environment[name])


def _read_arithmetic(node: ast.BinOp) -> _Node:
    compute = _ARITHMETIC.get(type(node.op))
    if compute is None:
        raise _not_allowed(node.op)
    left, right = _numbers(node.left, node.right)
    if isinstance(node.op, ast.Div) and _is_zero(right):
        raise ExpressionError(f"a division by zero stands in {ast.unparse(node)!r}")
    return _Node(
        "number",
        left.names | right.names,
        lambda environment: compute(left.run(environment), right.run(environment)),
    )


def _is_zero(number: _Node) -> bool:
    if not number.names <= {TICK}:
        return False
    with np.errstate(all="ignore"):
        return all(number.run({TICK: np.array(tick)}) == 0 for tick in _ANY_TICK)


def _read_unary(node: ast.UnaryOp) -> _Node:
    if isinstance(node.op, ast.USub):
        (number,) = _numbers(node.operand)
        return _Node("number", number.names, lambda environment: -number.run(environment))
    if isinstance(node.op, ast.Not):
        (truth,) = _truths(node.operand)
        return _contrary(truth)
    raise _not_allowed(node.op)


def _read_comparison(node: ast.Compare) -> _Node:
    # ``a <= x <= b`` is ``a <= x and x <= b``.
    lefts = [node.left, *node.comparators[:-1]]
    pairs = zip(lefts, node.ops, node.comparators, strict=True)
    return _all([_compare(left, op, right) for left, op, right in pairs])


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Node:
    if isinstance(op, ast.In):
        return _read_membership(left, right)
    if type(op) not in _COMPARISONS:
        raise _not_allowed(op)
    one, other = _numbers(left, right)
    for number, partner in ((one, other), (other, one)):
        _check_weekday(number, partner)
    opposite = _OPPOSITES[type(op)]
    return _Node(
        "truth",
        one.names | other.names,
        _where_known(_COMPARISONS[type(op)], one, other),
        _where_known(_COMPARISONS[opposite], one, other),
    )


def _where_known(
    compute: Callable[[Any, Any], Any], one: _Node, other: _Node
) -> Callable[[Environment], Any]:
    def run(environment: Environment) -> Any:
        left, right = one.run(environment), other.run(environment)
        return compute(left, right) & np.isfinite(left) & np.isfinite(right)

    return run


def _check_weekday(one: _Node, other: _Node) -> None:
    if one.names != {WEEKDAY} or other.names:
        return
    day = other.run({})
    if day not in DAYS:
        raise ExpressionError(f"a weekday is one of 1 (Monday) to 7 (Sunday), {day:g} is none")


def _read_membership(left: ast.expr, right: ast.expr) -> _Node:
    if not isinstance(right, ast.Tuple) or not right.elts:
        raise ExpressionError("'in' needs a list in parentheses, such as (1, 2, 3)")
    return _any([_compare(left, ast.Eq(), one) for one in right.elts])


def _read_words(node: ast.BoolOp) -> _Node:
    truths = _truths(*node.values)
    return _all(truths) if isinstance(node.op, ast.And) else _any(truths)


def _contrary(truth: _Node) -> _Node:
    assert truth.deny is not None  # noqa: S101 - every truth has it
    return _Node("truth", truth.names, truth.deny, truth.run)


def _all(truths: list[_Node]) -> _Node:
    # "Not all" is "one is not", so what is unknown never becomes true by a "not".
    names = frozenset[str]().union(*(one.names for one in truths))
    denials = [_contrary(one).run for one in truths]
    return _Node(
        "truth",
        names,
        _join([one.run for one in truths], np.logical_and),
        _join(denials, np.logical_or),
    )


def _any(truths: list[_Node]) -> _Node:
    return _contrary(_all([_contrary(one) for one in truths]))


def _join(
    runs: list[Callable[[Environment], Any]], join: Callable[[Any, Any], Any]
) -> Callable[[Environment], Any]:
    def run(environment: Environment) -> Any:
        first, *others = (one(environment) for one in runs)
        for other in others:
            first = join(first, other)
        return first

    return run


def _numbers(*nodes: ast.expr) -> list[_Node]:
    return [_demand(node, "number") for node in nodes]


def _truths(*nodes: ast.expr) -> list[_Node]:
    return [_demand(node, "truth") for node in nodes]


def _demand(node: ast.expr, kind: Kind) -> _Node:
    read = _read(node)
    if read.kind != kind:
        raise ExpressionError(
            f"{ast.unparse(node)!r} is {_KINDS[read.kind]} where {_KINDS[kind]} is needed"
        )
    return read


def _not_allowed(node: ast.AST) -> ExpressionError:
    return ExpressionError(
        f"{type(node).__name__!r} is not allowed: "
        "a formula has numbers, names, + - * /, comparisons, and, or, not, in"
    )


def _list(words: Iterable[str]) -> str:
    return ", ".join(words)


_READERS: dict[type[ast.expr], Callable[[Any], _Node]] = {
    ast.Constant: _read_number,
    ast.Name: _read_name,
    ast.Attribute: _read_attribute,
    ast.BinOp: _read_arithmetic,
    ast.UnaryOp: _read_unary,
    ast.Compare: _read_comparison,
    ast.BoolOp: _read_words,
}
