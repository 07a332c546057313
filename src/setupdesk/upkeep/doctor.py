"""Examine a desk: look at everything, have it judged, and say what to do."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from setupdesk.adapters import clock, machine
from setupdesk.adapters.desk_file import list_processes
from setupdesk.adapters.ledger.anchors import Anchors
from setupdesk.adapters.ledger.database import open_as_it_is
from setupdesk.adapters.ledger.examination import examine_ledger, load_all_runs
from setupdesk.adapters.ledger.tables import HEAD
from setupdesk.adapters.prefect_api import STATES, PrefectApi
from setupdesk.adapters.prefect_server import schema_version
from setupdesk.adapters.prefect_wall import find_gaps
from setupdesk.adapters.result_store import ResultStore
from setupdesk.admission import find_sign_in_faults
from setupdesk.app.doctor import Check, Grade, find_worst
from setupdesk.app.doctor.exposure import (
    judge_delivery,
    judge_hosts,
    judge_keys,
    judge_listening,
    judge_prefect_access,
    judge_sign_in,
)
from setupdesk.app.doctor.ledger import (
    Ledger,
    judge_audit_log,
    judge_errands,
    judge_ledger,
    judge_repairs,
    judge_schedules,
    judge_watches,
)
from setupdesk.app.doctor.machine import (
    judge_clocks,
    judge_disk,
    judge_permissions,
    judge_versions,
)
from setupdesk.app.doctor.processes import (
    LOOK,
    FlowRun,
    RunRow,
    judge_agreement,
    judge_processes,
)
from setupdesk.app.doctor.results import Results, judge_results
from setupdesk.app.ports import EngineUnavailableError
from setupdesk.core.request import Mode
from setupdesk.core.run import RunState
from setupdesk.exposure import find_key_faults, find_listening_faults
from setupdesk.settings import Settings, find_telegram_token
from setupdesk.supervisor import ask_bot, find_desk
from setupdesk.upkeep.restore import STAGE

_FLOWS = [mode.flow_type for mode in Mode]
_KINDS = {state: kind for state, (kind, _) in STATES.items()}


def examine(settings: Settings) -> dict[str, Any]:
    """Give every check with its grade, what was seen and what to do; nothing is changed."""
    desk = find_desk(settings) if settings.home.exists() else None
    checks = list(_examine(settings, desk))
    return {
        "home": str(settings.home),
        "running": desk is not None,
        "grade": find_worst(checks),
        "checks": [check.to_json() for check in checks],
    }


def _examine(settings: Settings, desk: Mapping[str, Any] | None) -> Iterator[Check]:
    if not settings.home.exists():
        yield Check(
            "home", Grade.OK, f"{settings.home} is not there yet; the first command makes it"
        )
        return
    if (settings.home / STAGE).exists():
        seen = "a restore goes on, or was interrupted"
        yield Check("restore", Grade.BAD, seen, "setupdesk restore FILE --replace, once more")
    yield from judge_processes(list_processes(desk or {}), is_up=desk is not None)
    # Prefect is asked before the ledger, in which every run stands before Prefect knows of it.
    flow_runs, prefects_clock, silence = _ask_prefect(settings, desk)
    # And so are the folders of runs.
    store = ResultStore(settings.runs)
    folders, drafts = store.list_folders(), store.list_drafts()
    now = clock.now()
    ledger = examine_ledger(settings.ledger, now) if settings.ledger.exists() else None
    if ledger:
        yield from _examine_ledger(settings, ledger, now, is_up=desk is not None)
        if not ledger.faults:
            rows = load_all_runs(settings.ledger)
            yield from judge_results(_see_results(store, folders, drafts, rows))
            if flow_runs is not None:
                yield from judge_agreement(rows, flow_runs, _KINDS, now)
    if silence:
        yield Check("agreement", Grade.WARN, silence, LOOK)
    yield from _examine_exposure(settings)
    if find_telegram_token(settings):
        yield _examine_delivery(settings, is_up=desk is not None)
    if flow_runs is not None:
        yield _examine_prefect_access(settings, desk)
    yield from _examine_machine(settings)
    newest = ledger.newest if ledger else None
    yield judge_clocks(now, newest, prefects_clock, is_synced=machine.is_clock_synced())


def _examine_exposure(settings: Settings) -> Iterator[Check]:
    listening = settings.listening
    yield judge_listening(
        listening.host,
        find_listening_faults(listening),
        is_local=listening.is_local,
        has_tls=listening.tls_certificate is not None,
        proxies=listening.proxies,
    )
    yield judge_hosts(listening.names, behind_proxy=bool(listening.proxies))
    yield judge_keys(find_key_faults(settings))
    if known := settings.sign_in:
        yield judge_sign_in(known.provider, len(known.people), find_sign_in_faults(settings))


def _examine_delivery(settings: Settings, *, is_up: bool) -> Check:
    webhook, port = settings.telegram_webhook, settings.telegram_port
    is_deaf = bool(webhook) and is_up and not machine.find_listeners(port)
    has_rival = ask_bot(settings.bot_socket).endswith("rival")
    return judge_delivery(webhook, port, is_deaf=is_deaf, has_rival=has_rival)


def _examine_prefect_access(settings: Settings, desk: Mapping[str, Any] | None) -> Check:
    address = _find_prefect(desk)
    return judge_prefect_access(
        find_gaps(address, settings.prefect_key_file.read_text()),
        machine.find_listeners(int(address.rpartition(":")[2])),
    )


def _find_prefect(desk: Mapping[str, Any] | None) -> str:
    return (desk or {}).get("processes", {}).get("prefect", {}).get("address") or ""


def _ask_prefect(
    settings: Settings, desk: Mapping[str, Any] | None
) -> tuple[list[FlowRun] | None, datetime | None, str]:
    address = _find_prefect(desk)
    if not address:
        return None, None, ""
    with closing(PrefectApi(f"{address}/api", settings.prefect_key_file.read_text())) as prefect:
        try:
            there, its_clock = list(prefect.list_flow_runs(_FLOWS)), prefect.read_clock()
        except EngineUnavailableError as silent:
            return None, None, str(silent)
    found = [
        FlowRun(flow_run_id=one["id"], name=one["name"], kind=one["state_type"] or "")
        for one in there
    ]
    return found, its_clock, ""


def _examine_ledger(
    settings: Settings, ledger: Ledger, now: datetime, *, is_up: bool
) -> Iterator[Check]:
    yield from judge_ledger(ledger, HEAD)
    if ledger.faults:
        return
    if ledger.revision == HEAD:
        # The chain is that of the newest migration; `up` brings an older ledger there.
        anchors = Anchors(open_as_it_is(settings.ledger), settings.anchors, clock.now)
        yield judge_audit_log(anchors.check())
    yield from judge_errands(ledger, now, is_up=is_up)
    yield judge_schedules(ledger)
    yield judge_watches(ledger)
    yield judge_repairs(ledger.repairs)


def _see_results(
    store: ResultStore,
    folders: list[str],
    drafts: list[Path],
    rows: list[RunRow],
) -> Results:
    known = {row.run_id: row for row in rows}
    seen: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for row in rows:
        if row.state is RunState.COMPLETED:
            seen[store.is_whole(row.run_id, row.result_sha256 or "")].append(row.run_id)
    left = [path for path in drafts if _is_left(known.get(path.parent.name))]
    return Results(
        whole=len(seen[True]),
        changed=tuple(seen[False]),
        missing=tuple(seen[None]),
        unknown=tuple(name for name in folders if name not in known),
        drafts=tuple(f"{path.parent.name}/{path.name}" for path in left),
    )


def _is_left(row: RunRow | None) -> bool:
    return row is None or row.state.is_final


def _examine_machine(settings: Settings) -> Iterator[Check]:
    home = settings.home
    parts = {
        "ledger": settings.ledger,
        "its log": home / f"{settings.ledger.name}-wal",
        "bars": settings.bars,
        "runs": settings.runs,
        "logs": settings.logs,
    }
    yield from judge_disk(machine.see_disk(home, parts))
    private = (home, *settings.secret_files)
    yield judge_permissions(machine.find_open(private))
    versions = machine.list_versions()
    unmet = machine.find_unmet()
    if schema_version() != versions["Prefect"]:
        unmet.append(f"the kept schema of Prefect {schema_version()}")
    yield judge_versions(versions, machine.SQLITE, unmet)
