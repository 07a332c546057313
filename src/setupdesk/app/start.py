"""START: the one way in. Check, number, write down, hand over."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from setupdesk.app.ports import StartLedger
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import Offer
from setupdesk.core.problem import Problem
from setupdesk.core.request import parse_request
from setupdesk.core.run import Door, Receipt


@dataclass(frozen=True, slots=True)
class Start:
    """Accept a payload as a run, or refuse it with every Problem; both leave one audit row."""

    build_offer: Callable[[], Offer]
    ledger: StartLedger
    wake_dispatcher: Callable[[], None]

    def __call__(
        self, payload: Mapping[str, Any], *, user: str, door: Door, key: str | None = None
    ) -> Receipt:
        """Answer *payload*; when this returns, the answer is on the disk.

        Whoever sends the same payload with the same *key* again gets the first answer, for
        ever; another payload raises ``KeyConflictError``.
        """
        payload = _make_writable(payload)
        try:
            request = parse_request(payload, self.build_offer())
        except InvalidRequestError as refused:
            return self.ledger.refuse(payload, refused.problems, user, door, key)

        # Run, audit row and outbox row are one transaction: the dispatcher takes it from
        # there, so a crash after this line delays a run and never loses or doubles it.
        receipt = self.ledger.accept(request, payload, user, door, key)
        self.wake_dispatcher()
        return receipt

    def refuse(
        self,
        payload: Mapping[str, Any],
        problems: Sequence[Problem],
        *,
        user: str,
        door: Door,
        key: str | None = None,
    ) -> Receipt:
        """Refuse what has not even the shape of a request; it leaves its audit row too."""
        return self.ledger.refuse(_make_writable(payload), problems, user, door, key)


def _make_writable(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    # Half a character, which JSON can carry, can be written to no file and no screen.
    text = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
    writable: dict[str, Any] = json.loads(text)
    return writable
