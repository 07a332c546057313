"""START: the one way in. Check, number, write down, hand over."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from structlog.contextvars import bound_contextvars

from setupdesk.app.ports import StartLedger
from setupdesk.core.caller import NO_QUOTA, Quota
from setupdesk.core.errors import InvalidRequestError
from setupdesk.core.offer import Offer
from setupdesk.core.period import to_iso
from setupdesk.core.problem import Problem
from setupdesk.core.request import Request, parse_request
from setupdesk.core.run import Door, Receipt, find_priority
from setupdesk.core.watch import Watch

log = logging.getLogger(__name__)

MOST_CODES = 20
"""How many Problems of a refused request are named in the log; the audit log has all."""


@dataclass(frozen=True, slots=True)
class Start:
    """Accept a payload as a run, or refuse it with every Problem; both leave one audit row."""

    build_offer: Callable[[], Offer]
    ledger: StartLedger
    wake_dispatcher: Callable[[], None]
    hide_secrets: Callable[[Any], Any] = lambda payload: payload
    """What is sent by mistake is written down nowhere, and told to nobody."""

    find_watch: Callable[[str], Watch | None] = lambda _: None
    """Find any watch by its id; each is there for its user alone."""

    def __call__(
        self,
        payload: Mapping[str, Any],
        *,
        user: str,
        door: Door,
        key: str | None = None,
        quota: Quota = NO_QUOTA,
    ) -> Receipt:
        """Answer *payload*; when this returns, the answer is on the disk.

        No more is accepted than the *quota* of who asks allows. Whoever sends the same payload
        with the same *key* again gets the first answer, for ever; another payload
        raises ``KeyConflictError``.
        """
        payload = self.hide_secrets(make_writable(payload))
        try:
            request = parse_request(payload, self.offer_to(user, quota))
        except InvalidRequestError as refused:
            receipt = self.ledger.refuse(payload, refused.problems, user, door, key)
            _log_refusal(receipt)
            return receipt

        # Run, audit row and outbox row are one transaction: the dispatcher takes it from
        # there, so a crash after this line delays a run and never loses or doubles it.
        receipt = self.ledger.accept(request, payload, user, door, key, quota=quota)
        _log_answer(receipt, request)
        self.wake_dispatcher()
        return receipt

    def offer_to(self, user: str, quota: Quota) -> Offer:
        """Give what *user* may ask for within a *quota*."""

        def find_own(watch_id: str) -> Watch | None:
            found = self.find_watch(watch_id)
            return found if found and found.user == user else None

        return replace(allow(self.build_offer(), quota), find_watch=find_own)

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
        written = self.hide_secrets(make_writable(payload))
        receipt = self.ledger.refuse(written, problems, user, door, key)
        _log_refusal(receipt)
        return receipt


def allow(offer: Offer, quota: Quota) -> Offer:
    """Give what may be asked for within a *quota*."""
    if quota.most_bars is None:
        return offer
    return replace(offer, most_bars=min(offer.most_bars, quota.most_bars))


def _log_answer(receipt: Receipt, request: Request) -> None:
    if receipt.status == "refused":
        _log_refusal(receipt)
        return
    with bound_contextvars(run_id=receipt.run_id):
        asked = {"user": receipt.user, "door": receipt.door}
        if receipt.first_text:
            log.info("request sent again", extra=asked)
            return
        asked["priority"] = find_priority(request.mode, receipt.door).word
        log.info("request accepted", extra={"at": to_iso(receipt.timestamp), **asked})


def _log_refusal(receipt: Receipt) -> None:
    # What was asked is in the audit log: nothing that came from outside is repeated here.
    codes = [problem.code for problem in receipt.problems[:MOST_CODES]]
    log.info(
        "request refused", extra={"user": receipt.user, "door": receipt.door, "problems": codes}
    )


def make_writable(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give *payload* with nothing in it that cannot be written down."""
    # Half a character, which JSON can carry, can be written to no file and no screen.
    text = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
    writable: dict[str, Any] = json.loads(text)
    return writable
