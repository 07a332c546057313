"""Seen bars: what a watch saw of a market, beside the bars of it that are stored now."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from setupdesk.app.watch_book import write_bar
from setupdesk.market.bars import Bars
from setupdesk.market.days import to_ms

SLACK = timedelta(seconds=60)
"""Over one more period: a bar that is seen after it was late."""


class Prices(NamedTuple):
    """Open, high, low and close of a bar, in ticks."""

    open: int
    high: int
    low: int
    close: int


class FaultKind(StrEnum):
    """How a bar that was seen may differ from the one that is stored."""

    REVISED = "bar_revised"
    """It has other prices."""

    MISSING = "bar_missing"
    """It is stored, and the watch never saw it."""

    EXTRA = "bar_extra"
    """The watch saw it, and it is not stored any more."""

    LATE = "bar_late"
    """It came later than one period and a minute after its close."""


@dataclass(frozen=True, slots=True)
class PastSighting:
    """Bars as one poll saw them."""

    kind: str
    """``seen`` when they were new, ``revised`` when they came back with other prices."""

    bars: Sequence[Sequence[int]]
    """Open in UTC milliseconds, then the prices in ticks."""

    at: datetime
    engine_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """The first bars that a watch saw of a symbol."""

    first_ms: int
    last_ms: int
    """Open of the one at whose close the watch decided for the first time, UTC milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A signal that was told live."""

    setup_id: str
    setup_hash: str
    known_ms: int
    """Close of its bar, UTC milliseconds."""

    side: str
    level: str
    is_own: bool
    """Told by this very watch, and not by another one of its user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarFault:
    """One bar that was seen otherwise than it is stored."""

    kind: FaultKind
    open_ms: int
    seen: Prices | None
    stored: Prices | None
    seen_at: datetime | None

    @property
    def changes_prices(self) -> bool:
        """Say whether a setup could decide otherwise because of it."""
        return self.kind is not FaultKind.LATE


@dataclass(frozen=True, slots=True)
class _Bar:
    prices: Prices
    at: datetime


class SeenBars:
    """The sightings of one symbol, by bar, as far as they open in ``[first_ms, stop_ms)``."""

    def __init__(self, sightings: Sequence[PastSighting], first_ms: int, stop_ms: int) -> None:
        self._seen: dict[int, list[_Bar]] = {}
        self._versions: dict[int, str] = {}
        for one in sightings:
            for open_ms, *prices in one.bars:
                if first_ms <= open_ms < stop_ms:
                    self._seen.setdefault(open_ms, []).append(_Bar(Prices(*prices), one.at))
                    self._versions.setdefault(open_ms, one.engine_version)

    @property
    def opens_ms(self) -> list[int]:
        """Give when the bars open, the oldest first."""
        return sorted(self._seen)

    def find_version(self, open_ms: int) -> str | None:
        """Give the version of the engine that first saw a bar."""
        return self._versions.get(open_ms)

    def lay_into(self, stored: Bars, stop_ms: int) -> Bars:
        """Give the bars before *stop_ms* as they were known when the last of them was new.

        Before the first bar that was seen they are the stored ones.
        """
        opens = [one for one in self.opens_ms if one < stop_ms]
        if not opens:
            return stored.between(0, stop_ms)
        by = self._seen[opens[-1]][0].at
        known = [self._find_known(one, by) for one in opens]
        earlier = stored.between(0, opens[0])
        volumes = dict(zip(stored.time.tolist(), stored.volume.tolist(), strict=True))
        prices = dict(zip(Prices._fields, np.array(known, np.int64).T, strict=True))
        columns = {
            "time": np.array(opens, np.int64),
            **prices,
            "volume": np.array([volumes.get(one, np.nan) for one in opens]),
        }
        joined = (np.concatenate((getattr(earlier, name), new)) for name, new in columns.items())
        return Bars(stored.timeframe, stored.tick, *joined)

    def _find_known(self, open_ms: int, by: datetime) -> Prices:
        versions = self._seen[open_ms]
        return next((one.prices for one in reversed(versions) if one.at <= by), versions[0].prices)

    def find_faults(self, stored: Bars, begin: Begin, *, tells_late: bool) -> Iterator[BarFault]:
        """Compare with the stored bars of the same span, the oldest first."""
        rows = {at: row for row, at in enumerate(stored.time.tolist())}
        for open_ms in sorted(rows.keys() | self._seen.keys()):
            versions, row = self._seen.get(open_ms, []), rows.get(open_ms)
            there = None if row is None else Prices(*write_bar(stored, row))
            kind, bar = _judge(versions, there)
            if kind is None and bar and tells_late and open_ms > begin.last_ms:
                kind = _judge_time(bar, open_ms, stored)
            if kind:
                yield BarFault(
                    kind=kind,
                    open_ms=open_ms,
                    seen=bar.prices if bar else None,
                    stored=there,
                    seen_at=bar.at if bar else None,
                )


def _judge(versions: Sequence[_Bar], stored: Prices | None) -> tuple[FaultKind | None, _Bar | None]:
    if not versions:
        return FaultKind.MISSING, None
    if stored is None:
        return FaultKind.EXTRA, versions[0]
    other = next((one for one in versions if one.prices != stored), None)
    return (FaultKind.REVISED, other) if other else (None, versions[0])


def _judge_time(bar: _Bar, open_ms: int, stored: Bars) -> FaultKind | None:
    latest_ms = open_ms + 2 * stored.timeframe.milliseconds + round(SLACK.total_seconds() * 1000)
    return FaultKind.LATE if to_ms(bar.at) > latest_ms else None
