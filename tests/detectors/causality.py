"""The causality gate: no bar changes what was known before it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from setupdesk.market.bars import Bars

Columns = dict[str, NDArray[Any]]


def assert_causal(
    find: Callable[[Bars], Any],
    bars: Bars,
    prefixes: Iterable[int],
    later: Sequence[str] = (),
) -> None:
    """Compare what *find* knows in each prefix with what it knew by then of all *bars*.

    *later* names the columns with the rows of later states: these have yet to come where they
    are not within the prefix. Without a column ``known`` there is a value for each bar.
    """
    whole = columns_of(find(bars))
    for rows in prefixes:
        part = columns_of(find(bars[:rows]))
        found, expected = known_before(part, rows, later), known_before(whole, rows, later)
        for name, column in expected.items():
            where = f"{name} of the first {rows} bars"
            np.testing.assert_array_equal(found[name], column, where, strict=True)


def columns_of(found: object) -> Columns:
    """Give the columns of what a detector found, by name."""
    if isinstance(found, np.ndarray):
        return {"value": found, "known": np.arange(len(found))}
    columns = {one.name: getattr(found, one.name) for one in fields(found)}  # type: ignore[arg-type]
    count = len(next(iter(columns.values())))
    return {"known": np.arange(count), **columns}


def known_before(columns: Columns, rows: int, later: Sequence[str]) -> Columns:
    """Give what is known at the close of the last of *rows* bars, and its places."""
    places = np.flatnonzero(columns["known"] < rows)
    seen = {name: column[places] for name, column in columns.items()}
    return {"places": places, **seen, **{name: np.minimum(seen[name], rows) for name in later}}
