"""Bugs of the dispatcher's and the executor's side that a fault test has to notice.

Each is planted into a child by patching the product; ``BUGS`` names them. A new one is a function
here and a row in ``test_teeth_of_the_engine.py``.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, update

from setupdesk.adapters import clock
from setupdesk.adapters.ledger import journal, outbox, tables, workers
from setupdesk.adapters.ledger.database import writing
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.app.reaper import SILENCE_SECONDS, Reaper
from setupdesk.core.run import RunState
from tests.drafts import NoDraft
from tests.faults.bugs import put

BUGS: dict[str, Callable[[], None]] = {}


def bug(plant: Callable[[], None]) -> Callable[[], None]:
    BUGS[plant.__name__] = plant
    return plant


@bug
def ticked_off_before_it_is_sent() -> None:
    take = outbox.Outbox.take_due

    def take_and_tick_off(self: outbox.Outbox, kinds: Any) -> Any:
        errand = take(self, kinds)
        if errand:
            self.finish(errand)
        return errand

    put(outbox.Outbox, "take_due", take_and_tick_off)


@bug
def no_key_at_prefect() -> None:
    call = PrefectApi.call

    def call_without_key(self: PrefectApi, method: str, path: str, body: Any = None) -> Any:
        spare = {key: value for key, value in (body or {}).items() if key != "idempotency_key"}
        return call(self, method, path, spare or None)

    put(PrefectApi, "call", call_without_key)


@bug
def leases_outlive_their_dispatcher() -> None:
    put(outbox.Outbox, "take_over", lambda _self: None)


@bug
def late_dispatcher_is_believed() -> None:
    def change(connection: Connection, errand: Any, values: Mapping[str, Any]) -> bool:
        row = tables.outbox.c.outbox_id == errand.errand_id
        return bool(connection.execute(update(tables.outbox).where(row).values(values)).rowcount)

    put(outbox, "_change", change)


@bug
def anybody_writes_a_run() -> None:
    def move(
        self: journal.Journal, run_id: str, *, then: Any = lambda: None, **values: Any
    ) -> None:
        running = (tables.run.c.run_id == run_id) & (tables.run.c.state == RunState.RUNNING)
        with writing(self.engine) as connection:
            if connection.execute(update(tables.run).where(running).values(**values)).rowcount:
                then()

    put(journal.Journal, "_move", move)


@bug
def anybody_lays_a_run_to_rest() -> None:
    def lay_to_rest(self: journal.Journal, run_id: str, reason: str) -> RunState:
        with writing(self.engine) as connection:
            return outbox.lay_to_rest(connection, run_id, reason, self.clock())

    put(journal.Journal, "lay_to_rest", lay_to_rest)


@bug
def anew_without_an_errand() -> None:
    start_anew = outbox._start_anew

    def forget(connection: Connection, run_id: str, reason: str, at: Any) -> Any:
        kept = outbox.put_errand
        outbox.put_errand = lambda *_words: None
        try:
            return start_anew(connection, run_id, reason, at)
        finally:
            outbox.put_errand = kept

    put(outbox, "_start_anew", forget)


@bug
def tried_again_for_ever() -> None:
    put(outbox, "MOST_ATTEMPTS", 99)


@bug
def dead_executors_keep_their_runs() -> None:
    put(workers, "_end_worker", lambda *_words: {})


@bug
def silence_by_the_wall_clock() -> None:
    def look(self: Reaper) -> None:
        now = clock.now().timestamp()
        for name, count in self.workers.load_beats().items():
            if self.seen.get(name, (-1,))[0] != count:
                self.seen[name] = (count, now)
            elif now - self.seen[name][1] >= SILENCE_SECONDS:
                self._end(name, "its beats are old")

    put(Reaper, "look", look)


@bug
def row_before_its_report() -> None:
    finish = journal.Journal.finish_completed

    def finish_hastily(self: Any, run_id: str, summary: Any, draft: Any) -> None:
        finish(self, run_id, summary, NoDraft(draft.sha256))
        draft.publish()

    put(journal.Journal, "finish_completed", finish_hastily)


@bug
def report_is_published_by_anybody() -> None:
    finish = journal.Journal.finish_completed

    def publish_first(self: Any, run_id: str, summary: Any, draft: Any) -> None:
        draft.publish()
        finish(self, run_id, summary, NoDraft(draft.sha256))

    put(journal.Journal, "finish_completed", publish_first)


@bug
def cancelled_run_is_tried_again() -> None:
    lay_to_rest = outbox.lay_to_rest

    def forget_the_wish(connection: Connection, run_id: str, *words: Any) -> Any:
        wanted = (tables.run.c.run_id == run_id) & (tables.run.c.state == RunState.CANCELLING)
        again = {"state": RunState.RUNNING}
        connection.execute(update(tables.run).where(wanted).values(again))
        return lay_to_rest(connection, run_id, *words)

    put(outbox, "lay_to_rest", forget_the_wish)
    put(journal, "lay_to_rest", forget_the_wish)
    put(workers, "lay_to_rest", forget_the_wish)


@bug
def executor_forgets_what_it_was_given() -> None:
    from setupdesk.executor.parent import Executor

    put(Executor, "_start", lambda *_words: {"started": True, "pid": 0})
