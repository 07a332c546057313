"""Joining: the files of a folder or an archive become the rows of one data set."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from setupdesk.adapters.importers.rows import NotReadableError, Rows
from setupdesk.adapters.importers.spacing import show_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file and what its reader found in it."""

    file_name: str
    source_format: str
    rows: Rows


def join_parts(parts: Sequence[Part]) -> Rows:
    """Join what agrees, or raise ``NotReadableError`` that names the files which do not."""
    first = parts[0]
    if len(parts) == 1:
        return first.rows
    for part in parts[1:]:
        if _manner(part) != _manner(first):
            raise NotReadableError(
                f"{first.file_name} is {_show_manner(first)}, {part.file_name} is "
                f"{_show_manner(part)}. Import them one by one."
            )
    _check_overlaps(parts)
    rows = [part.rows for part in parts]
    reasons = {reason for part in rows for reason in part.left_out}
    return replace(
        first.rows,
        lines=np.concatenate([part.lines for part in rows]),
        time=np.concatenate([part.time for part in rows]),
        prices=np.concatenate([part.prices for part in rows], axis=1),
        volume=np.concatenate([part.volume for part in rows]),
        mistakes=[f"{part.file_name}: {said}" for part in parts for said in part.rows.mistakes],
        left_out={
            reason: sum(part.left_out.get(reason, 0) for part in rows) for reason in sorted(reasons)
        },
    )


def _manner(part: Part) -> tuple[object, ...]:
    rows = part.rows
    return (part.source_format, rows.is_wall, rows.clock, rows.seed)


def _show_manner(part: Part) -> str:
    drawn = "" if part.rows.seed is None else f", simulated with seed {part.rows.seed}"
    return f"{part.source_format} {'without' if part.rows.is_wall else 'with'} a time zone{drawn}"


def _check_overlaps(parts: Sequence[Part]) -> None:
    time = np.concatenate([part.rows.time for part in parts])
    prices = np.concatenate([part.rows.prices for part in parts], axis=1)
    owner = np.repeat(np.arange(len(parts)), [len(part.rows.time) for part in parts])
    order = np.argsort(time, kind="stable")
    time, prices, owner = time[order], prices[:, order], owner[order]
    differ = np.any(prices[:, 1:] != prices[:, :-1], axis=0)
    disagree = (np.diff(time) == 0) & (time[1:] != 0) & (np.diff(owner) != 0) & differ
    if not disagree.any():
        return
    row = int(np.argmax(disagree))
    names = sorted(parts[place].file_name for place in owner[row : row + 2])
    raise NotReadableError(
        f"{names[0]} and {names[1]} disagree about the bar of {show_time(int(time[row]))} and "
        f"{int(np.count_nonzero(disagree)) - 1} others. Import one of them."
    )
