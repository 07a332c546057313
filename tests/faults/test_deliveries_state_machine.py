"""Deliveries doubled, at once, in any order, over two processes and restarts: as in a model."""

import json
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from sqlite3 import Row, connect
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from setupdesk.adapters.ledger.outbox import Outbox
from setupdesk.core.errors import KeyConflictError
from setupdesk.core.run import Priority
from setupdesk.core.run_change import RunChange
from tests.faults.accepting import ask as ask_desk
from tests.faults.accepting import open_desk
from tests.faults.checks import Answer, Scene, check_chain
from tests.faults.children import OtherProcess, make_home
from tests.faults.deliveries import USERS, Delivery, Job
from tests.faults.model import PER_USER, TOTAL, Model, is_too_early

GOOD = {
    "setup_id": "IB_raid_v1",
    "symbol": "GER40",
    "timeframe": "M15",
    "start": "2025-01-02",
    "end": "2025-06-02",
}
PAYLOADS = (GOOD, GOOD | {"end": "2025-07-02"}, GOOD | {"symbol": "GER4O"})
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
payloads, users = st.sampled_from(PAYLOADS), st.sampled_from(USERS)
keys = st.sampled_from((None, "a", "b", "c", "d", "e", "f"))
sent = st.builds(lambda payload, user, key: (payload, user, key), payloads, users, keys)
numbers = st.integers(0, 10**6)

OTHER: list[OtherProcess] = []


class Deliveries(RuleBasedStateMachine):
    """START over a real ledger beside a model of it; both are told the same."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.home = make_home(Path(self.folder.name) / "home")
        self.now = MIDNIGHT - timedelta(seconds=2)
        self.model = Model()
        self.seen = 0
        self.open()

    def open(self) -> None:
        self.desk = open_desk(self.job(()))
        self.desk.ledger.clock = lambda: self.now

    def job(self, deliveries: Any) -> Job:
        start = self.now.isoformat()
        return Job(str(self.home), deliveries, start=start, bounds=(TOTAL, PER_USER))

    @rule(one=sent, times=st.integers(1, 4))
    def deliver(self, one: Any, times: int) -> None:
        """The same comes a few times, one after the other, its names in another order."""
        turned = dict(reversed(one[0].items())), one[1], one[2]
        for number in range(times):
            self.check_answers([one], [self.ask(Delivery(0, *(turned if number % 2 else one)))])

    @rule(several=st.lists(sent, min_size=2, max_size=6))
    def deliver_at_once(self, several: list[Any]) -> None:
        """Different ones, or the same, come in threads."""
        deliveries = [Delivery(number, *one) for number, one in enumerate(several)]
        with ThreadPoolExecutor(len(several)) as threads:
            self.check_answers(several, list(threads.map(self.ask, deliveries)))

    @rule(here=st.lists(sent, max_size=4), there=st.lists(sent, min_size=1, max_size=4))
    def deliver_by_two_processes(self, here: list[Any], there: list[Any]) -> None:
        """Some come to another process at the same time."""
        deliveries = [Delivery(number, *one) for number, one in enumerate(here + there)]
        with ThreadPoolExecutor(5) as threads:
            others = threads.submit(OTHER[0].accept, self.job(deliveries[len(here) :]))
            answers = list(threads.map(self.ask, deliveries[: len(here)]))
            answers += sorted(others.result(), key=lambda answer: answer["number"])
        self.check_answers(here + there, answers)

    @precondition(lambda self: self.model.runs)
    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        run_id = sorted(self.model.runs)[number % len(self.model.runs)]
        Outbox(self.desk.ledger.engine, lambda: self.now).ask_to_cancel(run_id)
        self.model.runs[run_id].state = "cancelled"

    @precondition(lambda self: any(run.state == "queued" for run in self.model.runs.values()))
    @rule(number=numbers, priority=st.sampled_from(Priority))
    def prioritize(self, number: int, priority: Priority) -> None:
        waiting = sorted(name for name, run in self.model.runs.items() if run.state == "queued")
        run_id = waiting[number % len(waiting)]
        Outbox(self.desk.ledger.engine, lambda: self.now).change(
            run_id, RunChange({"priority": priority})
        )
        self.model.runs[run_id].priority = priority

    @rule(seconds=st.sampled_from((1, -1, 3, -3, 60, -3600, 86_400, -86_400, 40_000)))
    def jump(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.desk.close()
        self.open()

    def ask(self, delivery: Delivery) -> Answer:
        try:
            return {"text": ask_desk(self.desk, delivery).to_text()}
        except KeyConflictError as conflict:
            return {"error": conflict.code}

    def check_answers(self, sent: list[Any], answers: list[Answer]) -> None:
        """Let the model take them in the order of the audit log, and compare."""
        open_ones = list(zip(sent, answers, strict=True))
        rows = self.load("SELECT * FROM audit_log WHERE audit_id > ? ORDER BY audit_id", self.seen)
        assert len(rows) == len(sent)
        self.seen += len(rows)
        for row in rows:
            told = json.loads(row["payload"]), row["user"], row["idempotency_key"]
            self.check_answer(row, told, open_ones)

    def check_answer(self, row: Row, told: Any, open_ones: list[Any]) -> None:
        # A refusal for a full queue has no key in the log, so its key is found by the answer.
        fitting = [
            one
            for one in open_ones
            if (one[0][0], one[0][1]) == told[:2] and self.fits(one[0][2], one[1], row)
        ]
        assert fitting, (dict(row), open_ones)
        (payload, user, key), answer = fitting[0]
        open_ones.remove(fitting[0])
        outcome, run_id = self.model.take(payload, user, key, self.now)
        assert (row["outcome"], row["run_id"]) == (outcome, run_id)
        if outcome == "conflict":
            assert answer["error"] == "key_conflict"
        else:
            self.model.keep(payload, user, key, answer["text"])
            assert answer["text"] == self.model.decided.get((user, key), ({}, answer["text"]))[1]

    @staticmethod
    def fits(key: str | None, answer: Answer, row: Row) -> bool:
        if "error" in answer or row["outcome"] == "conflict":
            return "error" in answer and (row["outcome"], row["idempotency_key"]) == (
                "conflict",
                key,
            )
        receipt = json.loads(answer["text"])
        if row["outcome"] == "accepted":
            return bool(receipt["run_id"] == row["run_id"])
        if is_too_early(answer["text"]):
            return row["outcome"] == "refused" and row["idempotency_key"] is None
        return bool(key == row["idempotency_key"])

    def load(self, query: str, *words: Any) -> list[Row]:
        with closing(connect(self.home / "ledger.db")) as ledger:
            ledger.row_factory = Row
            return ledger.execute(query, words).fetchall()

    @invariant()
    def the_runs_are_those_of_the_model(self) -> None:
        found = {
            row["run_id"]: (row["user"], row["state"], row["priority"])
            for row in self.load("SELECT * FROM run")
        }
        wanted = {
            run_id: (run.user, run.state, run.priority) for run_id, run in self.model.runs.items()
        }
        assert found == wanted
        assert dict(self.model.days) == {
            row["day"]: row["n"] for row in self.load("SELECT * FROM run_counter")
        }

    @invariant()
    def the_audit_log_is_that_of_the_model(self) -> None:
        rows = self.load("SELECT outcome FROM audit_log ORDER BY audit_id")
        assert [row["outcome"] for row in rows] == self.model.outcomes

    def teardown(self) -> None:
        self.desk.close()
        faults = list(check_chain(Scene(self.home, (), ())))
        self.folder.cleanup()
        assert faults == []


@pytest.fixture
def other() -> Iterator[OtherProcess]:
    OTHER.append(OtherProcess())
    yield OTHER[0]
    OTHER.pop().close()


@pytest.mark.usefixtures("other")
def test_start_does_with_any_deliveries_what_its_model_does() -> None:
    some = settings(
        max_examples=12,
        stateful_step_count=20,
        deadline=None,
        phases=[Phase.generate],
        print_blob=True,
    )
    run_state_machine_as_test(Deliveries, settings=some)


@pytest.mark.faults
@pytest.mark.usefixtures("other")
def test_start_does_with_ten_thousand_deliveries_what_its_model_does() -> None:
    many = settings(max_examples=50, stateful_step_count=200, deadline=None, print_blob=True)
    run_state_machine_as_test(Deliveries, settings=many)
