"""The data desk: takes bars in, from files or from the simulated market, and lists them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from setupdesk.app.ports import BarStore, Clock, ReadBars
from setupdesk.core.errors import InvalidImportError, InvalidRequestError, NotFoundError
from setupdesk.core.period import find_date
from setupdesk.core.problem import Problem
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import find_timeframe
from setupdesk.market.bars import Bars
from setupdesk.market.data_set import Facts
from setupdesk.market.days import from_ms
from setupdesk.market.synthetic import simulate_bars


@dataclass(frozen=True, slots=True)
class DataDesk:
    """Every way in for bars. All or nothing: a file that is refused changes nothing."""

    catalogue: Catalogue
    read_bars: ReadBars
    bar_store: BarStore
    clock: Clock

    def import_bars(
        self, raw: bytes, file_name: str, symbol: str, timeframe: str
    ) -> dict[str, Any]:
        """Import the bars of a file; the same file a second time changes nothing."""
        known, size = self._find(symbol), find_timeframe(timeframe)
        if size is None:
            raise NotFoundError("timeframe", timeframe)
        imported = self.read_bars(raw, file_name, known, size)
        now = self.clock()
        newest = from_ms(int(imported.bars.time[-1]))
        if newest > now:
            reason = f"its last bar opens at {newest:%Y-%m-%d %H:%M} UTC, in the future."
            raise InvalidImportError(file_name, reason)
        facts = Facts(
            source_file=file_name,
            source_format=imported.source_format,
            source_sha256=hashlib.sha256(raw).hexdigest(),
            imported_at=now,
            quality=imported.quality,
        )
        return self._save(known, imported.bars, facts)

    def simulate_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Store M1 bars of the simulated market for ``{symbol, start, end, seed}``."""
        symbol = self._find(str(payload.get("symbol")))
        start, end = find_date(payload.get("start")), find_date(payload.get("end"))
        seed = payload.get("seed", 1)
        if start is None or end is None or end < start or not _is_seed(seed):
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

    def _save(self, symbol: Symbol, bars: Bars, facts: Facts) -> dict[str, Any]:
        saved = self.bar_store.save(symbol.name, bars, facts)
        return saved.manifest.to_json() | {
            "outcome": saved.outcome,
            "added": saved.added,
            "disagreeing": saved.disagreeing,
        }


def _is_seed(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63
