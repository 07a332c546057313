"""What works beside the service's answers: dispatchers, reaper, reconciler, notifier, Scheduler."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from threading import Event, Thread

from setupdesk.adapters import clock
from setupdesk.adapters.desk_file import list_processes, read_desk_file
from setupdesk.adapters.executor_socket import ExecutorSocket
from setupdesk.adapters.leader_lock import leading
from setupdesk.adapters.ledger.anchors import PERIOD
from setupdesk.adapters.ledger.notifications import Notifications
from setupdesk.adapters.ledger.reads import Reads
from setupdesk.adapters.ledger.reconciliation import Reconciliation
from setupdesk.adapters.ledger.workers import Workers
from setupdesk.adapters.prefect_api import PrefectApi
from setupdesk.adapters.result_store import ResultStore
from setupdesk.adapters.secret_file import load_secret
from setupdesk.app.adopter import Adopter
from setupdesk.app.dispatcher import Dispatcher
from setupdesk.app.health import ShowHealth
from setupdesk.app.notifier import Notifier
from setupdesk.app.reaper import Reaper
from setupdesk.app.reconciler import Reconciler
from setupdesk.exposure import PREFECT_PREFIX
from setupdesk.wiring.desk import DISPATCHED, Desk

DRAIN_SECONDS = 2.0
"""How long the dispatchers may take to finish when the service is told to stop."""


@contextmanager
def dispatching(desk: Desk) -> Iterator[None]:
    """Carry the desk's errands to Prefect and the executor as long as this lasts."""
    stop = Event()
    settings = desk.settings
    prefect = PrefectApi(
        f"http://127.0.0.1:{settings.prefect_port}/api",
        load_secret(settings.prefect_key_file, PREFECT_PREFIX),
    )
    executor = ExecutorSocket(settings.executor_socket)
    works: list[Callable[[], None]] = [
        partial(
            Dispatcher(desk.outbox, prefect, executor, settings.places, kinds).run_for_ever,
            bell,
            stop,
        )
        for kinds, bell in zip(DISPATCHED, desk.alarm.bells, strict=True)
    ]
    reaper = Reaper(Workers(desk.outbox.engine, clock.now), desk.alarm.ring)
    works.append(partial(reaper.run_for_ever, stop))
    works.append(partial(build_adopter(desk, prefect).run_for_ever, stop))
    works.append(partial(build_reconciler(desk, prefect).run_for_ever, stop))
    works.append(partial(build_notifier(desk).run_for_ever, stop))
    works.append(partial(desk.schedule_desk.scheduler.run_for_ever, stop))
    works.append(partial(_keep_writing, desk, stop))
    lead = Thread(target=_lead, args=(desk, works, stop), daemon=True)
    lead.start()
    try:
        yield
    finally:
        stop.set()
        desk.alarm.ring()
        # What hangs in a call is left behind: its errand stays in the outbox until it is seen done.
        lead.join(DRAIN_SECONDS)
        prefect.close()


@contextmanager
def watching(desk: Desk) -> Iterator[ShowHealth]:
    """Have a look at the desk's health at hand as long as this lasts."""
    settings = desk.settings
    key = load_secret(settings.prefect_key_file, PREFECT_PREFIX)
    address = f"http://127.0.0.1:{settings.prefect_port}/api"
    with closing(PrefectApi(address, key, timeout_seconds=LOOK_SECONDS)) as prefect:
        yield ShowHealth(
            Reads(desk.outbox.engine),
            prefect,
            ExecutorSocket(settings.executor_socket, LOOK_SECONDS),
            lambda: list(list_processes(read_desk_file(settings.desk_file))),
            clock.now,
            desk.schedule_desk.scheduler.find_fault,
        )


LOOK_SECONDS = 2.0
"""Whoever takes longer to answer is not well."""


def build_adopter(desk: Desk, prefect: PrefectApi) -> Adopter:
    """Build what takes runs that were made in Prefect through START."""
    has_room, user = desk.start.ledger.has_room, desk.settings.owner
    return Adopter(
        door=prefect,
        start=desk.start,
        build_offer=desk.start.build_offer,
        has_room=has_room,
        user=user,
        clock=clock.now,
        load_under_way=desk.outbox.load_under_way,
        cancel=desk.cancel,
    )


def build_notifier(desk: Desk) -> Notifier:
    """Build what tells the channels of ends of runs."""
    told, how = Notifications(desk.outbox.engine, clock.now), desk.channel_desk
    return Notifier(told, how.sender, how.signer, clock.now)


def build_reconciler(desk: Desk, prefect: PrefectApi) -> Reconciler:
    """Build what puts right where ledger, Prefect, executor and reports disagree."""
    return Reconciler(
        Reconciliation(desk.outbox.engine, clock.now),
        prefect,
        ExecutorSocket(desk.settings.executor_socket),
        ResultStore(desk.settings.runs),
        desk.alarm.ring,
        clock.now,
    )


def _lead(desk: Desk, works: list[Callable[[], None]], stop: Event) -> None:
    """Do the *works*, each in a thread, once no other service of the home does them."""
    with leading(desk.settings.leader_file, stop) as mine:
        if not mine:
            return
        desk.outbox.take_over()
        threads = [Thread(target=work, daemon=True) for work in works]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _keep_writing(desk: Desk, stop: Event) -> None:
    while not stop.wait(PERIOD.total_seconds()):
        desk.anchors.write_new()
        desk.turned_away.write()
