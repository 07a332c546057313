"""The report page: a run as one HTML file that needs nothing else, to keep or to hand on."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from setupdesk.app.ports import BarStore, Calendar
from setupdesk.app.queries import Queries
from setupdesk.app.report_page.candles import cut_span, pick_candles
from setupdesk.app.report_page.page import build_page
from setupdesk.core.errors import InvalidRequestError, MissingBarsError, NotFoundError
from setupdesk.core.symbol import Catalogue, Symbol
from setupdesk.core.timeframe import Timeframe
from setupdesk.setups.registry import RuleRegistry

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WriteReportPage:
    """Write the page of a completed run, with the candles of its days where there still are any."""

    queries: Queries
    registry: RuleRegistry
    catalogue: Catalogue
    bar_store: BarStore
    calendar: Calendar

    def __call__(self, run_id: str) -> str:
        """Give the page as HTML; a run without a report raises as ``Queries.result`` does.

        Raises ``NotFoundError`` for what was asked of a watch: it has no statistics to show.
        """
        run, report = self.queries.run(run_id), self.queries.result(run_id)
        if run["request"].get("watch"):
            raise NotFoundError("page", run_id, hint=f": {_OF_A_WATCH.format(run_id)}")
        candles, setup = self._find_candles(run, report), self._find_setup(run)
        return build_page(run, report, candles, setup, self._draw_still(run, report))

    def _draw_still(self, run: Json, report: Json) -> bytes | None:
        """Draw what is shown where no script may run; None for a run without trades."""
        if "live" in report or not report.get("trades"):
            return None
        # Whoever starts the service needs no Pillow for it.
        from setupdesk.picture.png import Manner, draw_result

        equity = self.queries.equity(run["run_id"])
        return draw_result(run, report, equity, Manner()) if equity else None

    def _find_candles(self, run: Json, report: Json) -> Json | str:
        symbol = self.catalogue.find(run["request"]["symbol"])
        days = [date.fromisoformat(session["day"]) for session in report["sessions"]]
        if symbol is None:
            return "There are no candles: the symbol of this run is not known any more."
        try:
            return self._load_candles(run, report, symbol, days)
        except MissingBarsError:
            return "There are no candles: the bars of this run are not stored any more."
        except InvalidRequestError as error:
            return f"There are no candles: {error}"

    def _load_candles(
        self, run: Json, report: Json, symbol: Symbol, days: list[date]
    ) -> Json | str:
        made = report["provenance"]
        stored_as, timeframe = (
            Timeframe(name) for name in (made["bars_timeframe"], run["request"]["timeframe"])
        )
        stored = self.bar_store.load(symbol.name, stored_as, made["bars_fingerprint"])
        sessions = self.calendar.sessions(symbol, days[0], days[-1])
        if not sessions:
            return "There are no candles: the calendar of the symbol has no such days any more."
        return pick_candles(report, cut_span(stored, timeframe, symbol, sessions), sessions)

    def _find_setup(self, run: Json) -> Json | None:
        rule = self.registry.find(run["request"]["setup_id"])
        return None if rule is None else {"title": rule.default.title.model_dump()}


_OF_A_WATCH = "it is a run of a watch, which has no trades. `setupdesk show {}` shows it."
