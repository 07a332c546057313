"""Pre-flight: what would become of a request that was sent now. Nothing is written or started."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from setupdesk.app.ports import BarStore, Calendar
from setupdesk.app.queue import ShowQueue
from setupdesk.app.scope import Scope, estimate_seconds, find_scope
from setupdesk.app.start import make_writable
from setupdesk.core.caller import NO_QUOTA, Quota
from setupdesk.core.errors import InvalidRequestError, MissingBarsError, NotFoundError
from setupdesk.core.offer import Offer
from setupdesk.core.problem import Problem
from setupdesk.core.request import Mode, Request, parse_request
from setupdesk.core.run import Door, find_priority
from setupdesk.core.symbol import Catalogue
from setupdesk.market.coverage import SessionCoverage, measure_coverage
from setupdesk.setups.registry import RuleRegistry

SHOWN_DAYS = 20
"""How many incomplete sessions are named; all of them are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """Judge a payload as START would, and foresee what the run would do and wait for."""

    offer_to: Callable[[str, Quota], Offer]
    """What a user may ask for within a quota."""

    registry: RuleRegistry
    catalogue: Catalogue
    bar_store: BarStore
    calendar: Calendar
    load_speeds: Callable[[str], list[tuple[int, float]]]
    show_queue: ShowQueue
    has_room: Callable[[str, Quota], bool]

    def __call__(
        self, payload: Mapping[str, Any], *, user: str, door: Door, quota: Quota = NO_QUOTA
    ) -> dict[str, Any]:
        """Give request, Plan, coverage, seconds and place in the queue as JSON.

        What is asked of a watch has no Plan and no coverage. Raises ``InvalidRequestError`` with
        every Problem that START would refuse it for.
        """
        request = parse_request(make_writable(payload), self.offer_to(user, quota))
        foreseen = {"plan": None, "coverage": None} if request.watch else self._foresee(request)
        priority, normalized = find_priority(request.mode, door), request.to_json()
        return {
            "request": normalized,
            "flow_type": request.mode.flow_type,
            **foreseen,
            "queue": {
                "priority": priority.word,
                "has_room": self.has_room(user, quota),
                **self.show_queue.foresee(normalized, priority),
            },
        }

    def _foresee(self, request: Request) -> dict[str, Any]:
        scope = self._find_scope(request)
        seconds = estimate_seconds(self.load_speeds(request.setup_id), len(scope.bars))
        return {
            "plan": _show_plan(scope) | {"estimated_seconds": seconds},
            "coverage": _show_coverage(
                measure_coverage(scope.bars, scope.sessions),
                drops_holed=request.mode is Mode.BACKTEST,
            ),
        }

    def _find_scope(self, request: Request) -> Scope:
        rule, symbol = self.registry.find(request.setup_id), self.catalogue[request.symbol]
        if rule is None:
            raise NotFoundError("setup", request.setup_id)
        try:
            return find_scope(request, rule, symbol, self.bar_store, self.calendar)
        except MissingBarsError as missing:
            problem = Problem(field="symbol", code="no_bars", message=str(missing))
            raise InvalidRequestError([problem]) from missing


def _show_plan(scope: Scope) -> dict[str, Any]:
    return {
        "setup_id": scope.setup.id,
        "setup_hash": scope.setup.digest,
        "sessions": len(scope.sessions),
        "first_session": scope.sessions[0].day.isoformat(),
        "last_session": scope.sessions[-1].day.isoformat(),
        "bars": len(scope.bars),
        "warm_up_bars": scope.warm_up_bars,
        "warm_up_days": scope.warm_up.days,
        "simulated": scope.source.simulated,
        "bars_source": scope.source.source_names,
        "bars_timeframe": scope.source.timeframe,
        "bars_fingerprint": scope.source.fingerprint,
    }


def _show_coverage(covers: Sequence[SessionCoverage], *, drops_holed: bool) -> dict[str, Any]:
    expected = sum(one.expected for one in covers)
    present = sum(min(one.present, one.expected) for one in covers)
    incomplete = [one for one in covers if not one.complete]
    holed = [one for one in covers if one.present and not one.tradable]
    return {
        "share": round(present / expected, 4) if expected else None,
        "expected_bars": expected,
        "missing_bars": expected - present,
        "sessions_without_bars": sum(not one.present for one in covers),
        "sessions_left_out": len(holed) if drops_holed else 0,
        "incomplete_count": len(incomplete),
        "incomplete": [
            {"day": one.day.isoformat(), "present": one.present, "expected": one.expected}
            for one in incomplete[:SHOWN_DAYS]
        ],
    }
