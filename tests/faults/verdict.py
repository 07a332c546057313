"""What has to hold of a desk after anything: its ledger, Prefect and the clients agree.

Each check has a name, and says what it found wrong.
"""

import hashlib
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Row, connect
from typing import Any

import httpx

from setupdesk.adapters.prefect_api import STATES, PrefectApi
from setupdesk.core.run import RunState
from tests.faults.crowd import TOO_MANY, Clients, Letter

MOST_ATTEMPTS = {"backtest_flow": 2, "live_scan_flow": 1}
PAGE = 200

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Evidence:
    """All that is known when everything has come to rest."""

    home: Path
    runs: Mapping[str, Facts]
    audit: Sequence[Facts]
    open_errands: Sequence[Facts]
    flow_runs: Mapping[str, Sequence[Facts]]
    """Prefect's own, by name."""

    letters: Sequence[Letter]
    cancels: Mapping[str, str]


def gather(home: Path, prefect: PrefectApi, clients: Clients) -> Evidence:
    """Gather the evidence."""
    with closing(connect(home / "ledger.db")) as ledger:
        ledger.row_factory = Row
        runs = {row["run_id"]: dict(row) for row in ledger.execute("SELECT * FROM run")}
        rows = ledger.execute("SELECT * FROM audit_log ORDER BY audit_id")
        audit = [dict(row) for row in rows]
        open_ones = ledger.execute("SELECT * FROM outbox WHERE done_at IS NULL")
        errands = [dict(row) for row in open_ones]
    return Evidence(
        home, runs, audit, errands, load_flow_runs(prefect), clients.letters, clients.cancels
    )


def load_flow_runs(prefect: PrefectApi) -> dict[str, list[Facts]]:
    """Load every flow run that Prefect has, by name."""
    found: defaultdict[str, list[Facts]] = defaultdict(list)
    for offset in range(0, 10**6, PAGE):
        asked = {"limit": PAGE, "offset": offset, "sort": "ID_DESC"}
        page = prefect.call("POST", "/flow_runs/filter", asked)
        for flow_run in page:
            found[flow_run["name"]].append(flow_run)
        if len(page) < PAGE:
            break
    return dict(found)


def judge(evidence: Evidence) -> list[str]:
    """Find everything that is wrong, each with the name of its check in front."""
    return [
        f"{check.__name__.removeprefix('check_')}: {fault}"
        for check in CHECKS
        for fault in check(evidence)
    ]


def check_lost(evidence: Evidence) -> Iterable[str]:
    """Whatever was acknowledged is there, and has come to an end."""
    for letter in evidence.letters:
        for receipt in letter.receipts:
            run_id = receipt["run_id"]
            if run_id and run_id not in evidence.runs:
                yield f"{run_id}, acknowledged to {letter.key}"


def check_unfinished(evidence: Evidence) -> Iterable[str]:
    """No run is on its way any more, and no errand is open."""
    for run in evidence.runs.values():
        if not RunState(run["state"]).is_final:
            yield f"{run['run_id']} is {run['state']} still ({run['reason']})"
    for errand in evidence.open_errands:
        yield f"{errand['kind']} of {errand['run_id']} ({errand['last_error']})"


def check_doubled(evidence: Evidence) -> Iterable[str]:
    """No run has two flow runs, none began more often than it was allowed to."""
    for name, flow_runs in evidence.flow_runs.items():
        if len(flow_runs) > 1:
            yield f"{name} has {len(flow_runs)} flow runs"
    for run_id, run in evidence.runs.items():
        begun = count_in_log(evidence.home, run_id, "task started")
        is_done = run["state"] in (RunState.COMPLETED, RunState.PLANNED)
        if not is_done <= begun <= run["attempt"]:
            yield f"{run_id} began {begun} times in {run['attempt']} attempts"
        if run["attempt"] > MOST_ATTEMPTS[run["flow_type"]]:
            yield f"{run_id} was attempted {run['attempt']} times"
        if count_in_log(evidence.home, run_id, "task ended") > 1:
            yield f"{run_id} ended twice"


def check_ghosts(evidence: Evidence) -> Iterable[str]:
    """Prefect has no flow run that the ledger does not know, and none of a refused request."""
    yield from evidence.flow_runs.keys() - evidence.runs.keys()
    accepted = {row["run_id"] for row in evidence.audit if row["outcome"] == "accepted"}
    for run_id in accepted ^ evidence.runs.keys():
        yield f"{run_id} is a run, or was accepted, but not both"


def check_states(evidence: Evidence) -> Iterable[str]:
    """Ledger and Prefect tell the same end of each run."""
    for run_id, run in evidence.runs.items():
        if not RunState(run["state"]).is_final:
            continue
        wanted = STATES[RunState(run["state"])][0]
        for flow_run in evidence.flow_runs.get(run_id, []):
            found = flow_run["state_type"]
            if found != wanted:
                yield f"{run_id} is {run['state']} ({run['reason']}), in Prefect {found}"
        if run_id not in evidence.flow_runs and run["state"] != RunState.FAILED:
            yield f"{run_id} is {run['state']}, and Prefect has never heard of it"


def check_cancels(evidence: Evidence) -> Iterable[str]:
    """What was said to be cancelled is, and nothing else."""
    for run_id, said in evidence.cancels.items():
        found = evidence.runs[run_id]["state"]
        wanted = RunState.CANCELLED if said == RunState.CANCELLING else said
        if found != wanted:
            yield f"{run_id} was said to be {said} and is {found}"
    for run_id, run in evidence.runs.items():
        if run["state"] == RunState.CANCELLED and "cancelled" not in str(run["reason"]):
            yield f"{run_id} is cancelled, because {run['reason']}"


def check_reasons(evidence: Evidence) -> Iterable[str]:
    """No run met a bug, and each that did not complete says why."""
    for run_id, run in evidence.runs.items():
        if run["traceback"] or "bug" in str(run["reason"]):
            yield f"{run_id}: {run['reason']}"
        elif run["state"] not in (RunState.COMPLETED, RunState.PLANNED) and not run["reason"]:
            yield f"{run_id} is {run['state']} for no reason"


def check_audit(evidence: Evidence) -> Iterable[str]:
    """Each delivery has one audit row, each key one decision."""
    rows = Counter(row["idempotency_key"] for row in evidence.audit)
    decided = Counter(
        row["idempotency_key"]
        for row in evidence.audit
        if row["idempotency_key"] and row["outcome"] in ("accepted", "refused")
    )
    sent, answered, turned_away = Counter[str | None](), Counter[str | None](), 0
    for letter in evidence.letters:
        busy = sum(status == TOO_MANY for status, _ in letter.answers)
        turned_away += busy
        sent[letter.key] += letter.sent
        answered[letter.key] += len(letter.answers) - busy
    # A refusal for lack of room is written without its key, which stays free.
    lost = sent.total() - answered.total() - turned_away
    without = rows.pop(None, 0)
    if not answered[None] + turned_away <= without <= answered[None] + turned_away + lost:
        yield f"{without} rows without a key for {answered[None] + turned_away} answers"
    for key in {key for key in sent if key} | rows.keys():
        if not answered[key] <= rows[key] <= sent[key]:
            yield f"{key} has {rows[key]} rows for {answered[key]} answers of {sent[key]} sent"
        if decided[key] != bool(rows[key]):
            yield f"{key} was decided {decided[key]} times"


def check_answers(evidence: Evidence) -> Iterable[str]:
    """Of one letter there is one answer, byte for byte."""
    for letter in evidence.letters:
        texts = {text for status, text in letter.answers if status != TOO_MANY}
        if letter.key and len(texts) > 1:
            yield f"{letter.key} was answered in {len(texts)} ways"


def check_numbers(evidence: Evidence) -> Iterable[str]:
    """Run_ids have no gap and no double within a day."""
    last: Counter[str] = Counter()
    for row in evidence.audit:
        if row["run_id"]:
            day = row["run_id"][4:14]
            last[day] += 1
            if row["run_id"] != f"run_{day}_{last[day]:03d}":
                yield f"{row['run_id']} came as number {last[day]} of its day"


def check_results(evidence: Evidence) -> Iterable[str]:
    """Each completed run has its report, which is what the ledger says it is."""
    for run_id, run in evidence.runs.items():
        if run["state"] != RunState.COMPLETED:
            continue
        report = evidence.home / "runs" / run_id / "report.json"
        if not report.exists():
            yield f"{run_id} has no report"
        elif hashlib.sha256(report.read_bytes()).hexdigest() != run["result_sha256"]:
            yield f"the report of {run_id} is another"


CHECKS = (
    check_lost,
    check_unfinished,
    check_doubled,
    check_ghosts,
    check_states,
    check_cancels,
    check_reasons,
    check_audit,
    check_answers,
    check_numbers,
    check_results,
)


def count_in_log(home: Path, run_id: str, event: str) -> int:
    log = home / "runs" / run_id / "run.log"
    lines = log.read_text().splitlines() if log.exists() else []
    return sum(json.loads(line)["event"] == event for line in lines)


def check_file(home: Path, http: httpx.Client) -> list[str]:
    """SQLite finds the ledger whole, and the desk its audit log."""
    with closing(connect(home / "ledger.db")) as ledger:
        whole = ledger.execute("PRAGMA integrity_check").fetchone()[0]
        foreign = ledger.execute("PRAGMA foreign_key_check").fetchall()
        alive = ledger.execute("SELECT count(*) FROM worker WHERE ended_at IS NULL").fetchone()[0]
    chain = http.get("/audit/check", timeout=60).json()
    found = {
        f"integrity: {whole}": whole != "ok",
        f"integrity: {foreign}": bool(foreign),
        f"chain: {json.dumps(chain)}": not chain["whole"] or not chain["anchors"],
        f"workers: {alive} executors are taken for alive": alive != 1,
    }
    return [fault for fault, is_there in found.items() if is_there]


def send_until_answered(
    clients: Clients, http: httpx.Client, letter: Letter
) -> httpx.Response | None:
    # The desk may be about to start once more.
    for _ in range(100):
        if answer := clients.send(http, letter):
            return answer
        time.sleep(0.5)
    return None


def replay(clients: Clients, http: httpx.Client) -> list[str]:
    """Send every letter that has a key again: it is answered as before."""
    faults = []
    for letter in [one for one in clients.letters if one.key]:
        before = [text for status, text in letter.answers if status != TOO_MANY]
        again = send_until_answered(clients, http, letter)
        if again is None or (before and again.text != before[0]):
            faults.append(f"replay: {letter.key} got {again and again.text[:200]}")
    return faults
