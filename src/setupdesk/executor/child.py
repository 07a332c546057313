"""What a forked child does: one run, as a flow run of Prefect's engine, and then it ends."""

import copy
import logging
import os
import signal
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn
from uuid import UUID

import httpx
from prefect import Flow
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, ServerDefaultResultStorage
from prefect.context import SyncClientContext
from prefect.exceptions import Abort, ObjectNotFound
from prefect.flow_engine import run_flow
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL
from prefect.states import Pending

from setupdesk.adapters.event_log import find_event_log
from setupdesk.executor.machine import die_with, limit_memory

log = logging.getLogger("setupdesk.executor")

NOBODY = UUID(int=0)
BUG, REFUSED_BY_PREFECT, PREFECT_UNREACHABLE = 1, 3, 4
REASONS = {
    BUG: "its process met a bug outside the run; its log has it",
    REFUSED_BY_PREFECT: "Prefect refused to run it",
    PREFECT_UNREACHABLE: "Prefect could not be reached",
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is forked for."""

    run_id: str
    flow_run_id: UUID
    flow: Flow[[str], Any]


def be_child(
    task: Task, parent: int, memory_mb: int, tls: ssl.SSLContext, let_go: Callable[[], None]
) -> NoReturn:
    """Carry out the task, and end this process; *let_go* closes what came from the parent."""
    code = BUG
    try:
        os.setsid()
        die_with(parent)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        let_go()
        if event_log := find_event_log():
            event_log.belong_to(task.run_id)
        limit_memory(memory_mb)
        carry_out(task, tls)
        code = 0
    except (Abort, ObjectNotFound):
        log.exception("Prefect refused to run it")
        code = REFUSED_BY_PREFECT
    except httpx.HTTPError:
        log.exception("Prefect could not be reached")
        code = PREFECT_UNREACHABLE
    except BaseException:
        log.exception("its process met a bug outside the run")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


class RunClient(SyncPrefectClient):
    """Prefect's client, without the two questions whose answer is known and changes nothing."""

    def read_server_default_result_storage(self) -> ServerDefaultResultStorage:
        """Answer that there is none: no result of ours is stored by Prefect."""
        return ServerDefaultResultStorage()

    def update_flow_run(self, *_: Any, **__: Any) -> httpx.Response:
        """Write nothing: the flow's version and retry policy are the same for every run."""
        return httpx.Response(httpx.codes.NO_CONTENT)


class RunLogHandler(APILogHandler):
    """Prefect's log handler for one flow run, whichever thread a line comes from."""

    def __init__(self, flow_run_id: UUID) -> None:
        super().__init__(logging.INFO)
        self._flow_run_id = flow_run_id
        if event_log := find_event_log():
            self.setFormatter(event_log.build_text_formatter())

    def prepare(self, record: logging.LogRecord) -> dict[str, Any]:
        """Say which flow run the line belongs to; Prefect knows it in the flow's thread only."""
        record = copy.copy(record)
        record.flow_run_id = self._flow_run_id
        return super().prepare(record)


def carry_out(task: Task, tls: ssl.SSLContext) -> None:
    """Run the task's flow as its flow run in Prefect, and see its log lines delivered."""
    handler = RunLogHandler(task.flow_run_id)
    logging.getLogger("setupdesk").addHandler(handler)
    client = RunClient(
        PREFECT_API_URL.value(),
        auth_string=PREFECT_API_AUTH_STRING.value(),
        httpx_settings={"verify": tls, "trust_env": False},
    )
    with SyncClientContext.model_construct(client=client):
        flow_run = build_flow_run(task.run_id, task.flow_run_id)
        state: Any = run_flow(task.flow, flow_run=flow_run, return_type="state")
    handler.flush()
    # Prefect has the end, and needs no line that says so.
    logging.getLogger("setupdesk").removeHandler(handler)
    log.info("end told to Prefect", extra={"state": state.type.value.lower()})


def build_flow_run(run_id: str, flow_run_id: UUID) -> FlowRun:
    """Build what the engine needs of a flow run to begin; it reads the true one by itself.

    Without a deployment_id the engine opens no websocket before it starts.
    """
    return FlowRun(
        id=flow_run_id,
        name=run_id,
        flow_id=NOBODY,
        parameters={"run_id": run_id},
        state=Pending(),
    )


def describe_exit(code: int) -> str:
    """Say in words how a process ended."""
    if code < 0:
        return f"its process was killed by {signal.Signals(-code).name}"
    return REASONS.get(code, f"its process ended with code {code} before the run had")
