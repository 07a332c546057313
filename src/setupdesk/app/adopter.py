"""The Adopter: Prefect as a door. Requests made there pass START; cancels pressed there count."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Any, Protocol

from setupdesk.app.ports import Clock, Delivery, EngineUnavailableError, FlowEngineDoor
from setupdesk.core.errors import KeyConflictError, LedgerUnavailableError
from setupdesk.core.offer import Offer
from setupdesk.core.request import Mode
from setupdesk.core.run import Door, Receipt
from setupdesk.core.timeframe import Timeframe

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
LONGEST_WAIT_SECONDS = 10.0
ROUNDS_OF_AN_OFFER = 30
"""After so many rounds the form is written anew: rules and symbols may have been added."""


class Start(Protocol):
    """START, as every door calls it."""

    def __call__(
        self, payload: Mapping[str, Any], *, user: str, door: Door, key: str | None = None
    ) -> Receipt:
        """Accept or refuse; the same key gets the same answer."""


@dataclass(frozen=True, slots=True)
class Adopter:
    """Each flow run of ``start`` is one request, whose key is the flow run's own id.

    It is answered in Prefect after START has written the answer down, so a crash between the
    two repeats the answer and never the run.
    """

    door: FlowEngineDoor
    start: Start
    build_offer: Callable[[], Offer]
    has_room: Callable[[str], bool]
    """Whether a run of a user may wait; where none may, requests wait in Prefect."""

    user: str
    """Prefect knows no users: whoever holds its password is the owner."""

    clock: Clock
    load_under_way: Callable[[], Mapping[str, str]]
    """The runs under way, by the ids of their flow runs."""

    cancel: Callable[[str, str, Door], object]

    def run_for_ever(self, stop: Event) -> None:
        """Look for requests until *stop*; a Prefect that is down is nobody's error here."""
        rounds = 0
        while not stop.is_set():
            wait = POLL_SECONDS
            try:
                if rounds % ROUNDS_OF_AN_OFFER == 0:
                    self.door.offer_start(build_parameters(self.build_offer()))
                self.adopt_all()
                self.pass_on_cancels()
                rounds += 1
            except (EngineUnavailableError, LedgerUnavailableError):
                wait, rounds = LONGEST_WAIT_SECONDS, 0
            except Exception:
                log.exception("the adopter met a bug")
                # What goes wrong with one request may be that the deployment was deleted.
                wait, rounds = LONGEST_WAIT_SECONDS, 0
            stop.wait(wait)

    def adopt_all(self) -> None:
        """Take every request that is due through START; one that goes wrong holds up no other."""
        for delivery in self.door.find_deliveries(self.clock()):
            if not self.has_room(self.user):
                return
            try:
                self._adopt(delivery)
            except (EngineUnavailableError, LedgerUnavailableError):
                raise
            except Exception:
                log.exception("flow run %s could not be answered", delivery.flow_run_id)

    def pass_on_cancels(self) -> None:
        """Stop the runs whose flow runs were cancelled in Prefect."""
        under_way = self.load_under_way()
        for flow_run_id in self.door.find_cancelled(under_way):
            self.cancel(under_way[flow_run_id], self.user, Door.PREFECT)

    def _adopt(self, delivery: Delivery) -> None:
        name, key = delivery.flow_run_id, f"prefect:{delivery.flow_run_id}"
        try:
            receipt = self.start(delivery.parameters, user=self.user, door=Door.PREFECT, key=key)
        except KeyConflictError as changed:
            self.door.answer(name, str(changed), accepted=False)
        except LedgerUnavailableError:
            raise
        except Exception as bug:
            # It would go wrong again every time, and its sender waits for an answer.
            log.exception("flow run %s could not be taken through START", name)
            self.door.answer(name, f"a bug of ours: {bug!r}", accepted=False)
        else:
            if not receipt.is_too_early:
                facts = {"run_id": receipt.run_id, "flow_run_id": name}
                log.info("asked for in Prefect: %s", receipt.status, extra=facts)
                self.door.answer(name, _describe(receipt), accepted=bool(receipt.run_id))


def _describe(receipt: Receipt) -> str:
    if receipt.run_id:
        return (
            f"Accepted as {receipt.run_id}. The flow run of that name shows how it goes, and "
            f"`setupdesk show {receipt.run_id}` its report."
        )
    return "\n".join(problem.sentence for problem in receipt.problems)


def build_parameters(offer: Offer) -> dict[str, Any]:
    """Build the JSON schema of a request's payload, from which Prefect makes its form."""
    options = {
        "max_trades": _field("integer", "Trades per session, instead of the rule's own limit"),
        "rr_target": _field("number", "Target as a multiple of the risk"),
        "dry_run": _field("boolean", "Give the Plan and compute nothing", default=False),
    }
    fields = {
        "setup_id": _choice("Setup", sorted(offer.setups)),
        "symbol": _choice("Symbol", sorted(symbol.name for symbol in offer.catalogue)),
        "timeframe": _choice("Timeframe", list(Timeframe)),
        "mode": _choice("Mode", list(Mode), default=Mode.BACKTEST),
        "start": _field("string", "First day, a date of the market", format="date"),
        "end": _field("string", "Last day, inclusive", format="date"),
        "last": _field("string", "Instead of start and end, such as 6m, 10d or ytd"),
        "at": _field("string", "Of a live request: as of when, instead of the newest bar"),
        "options": _field("object", "What may be asked of any setup", properties=options),
        "extra": _field("object", "Parameters of the setup", additionalProperties=True),
    }
    return {
        "title": "Parameters",
        "type": "object",
        "properties": {
            name: {"title": name, "position": position, **field}
            for position, (name, field) in enumerate(fields.items())
        },
        "required": ["setup_id", "symbol", "timeframe"],
    }


def _choice(description: str, choices: list[str], **more: Any) -> dict[str, Any]:
    return _field("string", description, enum=[str(one) for one in choices], **more)


def _field(kind: str, description: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "description": description, **more}
