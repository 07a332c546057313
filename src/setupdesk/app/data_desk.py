"""The data desk: takes bars in, from files or from the simulated market, and lists them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from setupdesk.app.ports import BarStore, Clock, ReadBars
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.period import find_date
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe, find_timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.market.synthetic import simulate_bars


@dataclass(frozen=True, slots=True)
class DataDesk:
    """Every way in for bars. All or nothing: a file that is refused changes nothing."""

    catalogue: Catalogue
    read_bars: ReadBars
    bar_store: BarStore
    clock: Clock

    def import_bars(  # noqa: PLR0913 - all that a user may say of a file
        self,
        raw: bytes,
        file_name: str,
        symbol: str,
        timeframe: str,
        clock: str | None = None,
        *,
        accept_clock: bool = False,
        stamped_at: Literal["open", "close"] | None = None,
    ) -> dict[str, Any]:
        """Import the bars of a file; the same file a second time changes nothing.

        Wall times of which nobody said the clock raise ``ClockNeededError`` with a proposal;
        *accept_clock* takes it.
        """
        known, size = self._find(symbol), find_timeframe(timeframe)
        if size is None:
            raise NotFoundError("timeframe", timeframe)
        imported = self.read_bars(
            raw,
            file_name,
            known,
            size,
            clock,
            accept_clock=accept_clock,
            reference=self._find_reference(known, size) if clock is None else None,
            stamped_at=stamped_at,
        )
        facts = Facts(
            source_file=file_name,
            source_format=imported.source_format,
            source_sha256=hashlib.sha256(raw).hexdigest(),
            imported_at=self.clock(),
            clock=imported.clock,
            quality=imported.quality,
            warnings=imported.warnings,
        )
        return self._save(known, imported.bars, facts)

    def simulate_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Store M1 bars of the simulated market for ``{symbol, start, end, seed}``."""
        symbol = self._find(str(payload.get("symbol")))
        start, end = find_date(payload.get("start")), find_date(payload.get("end"))
        seed = payload.get("seed", 1)
        if start is None or end is None or end < start or not isinstance(seed, int):
            wanted = "start and end (dates, end not before start) and seed (a whole number)"
            message = f"The simulated market needs {wanted}."
            raise InvalidRequestError([Problem(field="start", code="wrong_type", message=message)])
        bars = simulate_bars(symbol, start, end, seed)
        facts = Facts(
            source_file="simulated market",
            source_format="simulated",
            source_sha256="",
            imported_at=self.clock(),
            seed=seed,
            quality={},
        )
        return self._save(symbol, bars, facts)

    def data_sets(self) -> list[dict[str, Any]]:
        """List the stored bars."""
        return [manifest.to_json() for manifest in self.bar_store.manifests()]

    def _find(self, name: str) -> Symbol:
        symbol = self.catalogue.find(name)
        if symbol is None:
            raise NotFoundError("symbol", name)
        return symbol

    def _find_reference(self, symbol: Symbol, timeframe: Timeframe) -> Bars | None:
        # Simulated bars know nothing of the market; a doubted clock proves no other.
        stored = self.bar_store.manifests()
        near = sorted(
            (
                each
                for each in stored
                if each.symbol == symbol.name and not each.simulated and not each.warnings
            ),
            key=lambda each: abs(each.timeframe.minutes - timeframe.minutes),
        )
        return self.bar_store.load(symbol.name, near[0].timeframe) if near else None

    def _save(self, symbol: Symbol, bars: Bars, facts: Facts) -> dict[str, Any]:
        saved = self.bar_store.save(symbol.name, bars, facts)
        return saved.manifest.to_json() | {
            "outcome": saved.outcome,
            "added": saved.added,
            "disagreeing": saved.disagreeing,
        }
