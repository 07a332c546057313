"""Prefect's REST API, as far as the desk uses it; Prefect itself is never imported."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from setupdesk.app.differences import FlowRunFacts
from setupdesk.app.ports import Delivery, EngineUnavailableError
from setupdesk.core.request import Mode
from setupdesk.core.run import RunState

DEPLOYMENT_NAME = "setupdesk"
TAG = "setupdesk"
"""The most flow runs that Prefect gives at once."""

RUN_ID_PATTERN = r"^run_\d{4}_\d{2}_\d{2}_\d{3,}$"
PARAMETERS = {
    "title": "Parameters",
    "type": "object",
    "properties": {
        "run_id": {
            "title": "run_id",
            "type": "string",
            "pattern": RUN_ID_PATTERN,
            "description": "A run that the desk has accepted, such as run_2025_10_31_001.",
        },
    },
    "required": ["run_id"],
    "additionalProperties": False,
}
DESCRIPTION = (
    "The desk makes these runs: every request passes START, which numbers it and writes it "
    "down. The desk's ledger is the record; Prefect follows it."
)

START_FLOW = "start"
START_DESCRIPTION = (
    "A way in to START. A run made here is a request: the desk adopts it within seconds, checks "
    "it, and ends it as Accepted, with the run_id, or as Refused, with every reason. What was "
    "accepted stands here under its run_id, as a flow run of backtest_flow or live_scan_flow."
)
ANSWERS = {True: ("COMPLETED", "Accepted"), False: ("FAILED", "Refused")}
UNFINISHED = ["SCHEDULED", "PENDING", "RUNNING", "PAUSED", "CANCELLING"]
PAGE = 200
"""The most flow runs that Prefect gives in one answer."""

# How Prefect calls what the ledger says: its type of state, and the name that it shows.
STATES = {
    RunState.PLANNED: ("COMPLETED", "Planned"),
    RunState.COMPLETED: ("COMPLETED", "Completed"),
    RunState.FAILED: ("FAILED", "Failed"),
    RunState.TIMED_OUT: ("FAILED", "TimedOut"),
    RunState.CANCELLED: ("CANCELLED", "Cancelled"),
    RunState.CRASHED: ("CRASHED", "Crashed"),
}


class PrefectUnavailableError(EngineUnavailableError):
    """Prefect does not answer, or not now; the same call can be made again."""

    def __init__(self, reason: str) -> None:
        super().__init__("Prefect", reason)


class PrefectApi:
    """One Prefect server; every call may be repeated without doing a thing twice."""

    def __init__(self, url: str, auth_string: str, timeout_seconds: float = 10) -> None:
        user, _, password = auth_string.partition(":")
        # The server keeps an idle connection longer than this, so none is used that it closed.
        limits = httpx.Limits(keepalive_expiry=30)
        self._deployments: dict[str, str] = {}
        self._http = httpx.Client(
            base_url=url,
            auth=(user, password),
            limits=limits,
            timeout=httpx.Timeout(timeout_seconds, connect=2),
            trust_env=False,
            verify=not url.startswith("http:"),
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def is_ready(self) -> bool:
        """Say whether the server answers; it does once its database is migrated."""
        try:
            return self._http.get("/health").is_success
        except httpx.TransportError:
            return False

    def register(self, flow_name: str) -> str:
        """Make the flow and its deployment known to Prefect, or find them; give the latter's id."""
        facts = {
            "description": DESCRIPTION,
            "parameter_openapi_schema": PARAMETERS,
            "enforce_parameter_schema": True,
        }
        return self._deploy(flow_name, facts)

    def offer_start(self, parameters: Mapping[str, Any]) -> None:
        """Let runs be asked for in Prefect, by a form for *parameters*, a JSON schema.

        Prefect enforces nothing: START refuses what is wrong, with every Problem and an audit row.
        """
        facts = {
            "description": START_DESCRIPTION,
            "parameter_openapi_schema": dict(parameters),
            "enforce_parameter_schema": False,
        }
        self._deploy(START_FLOW, facts)

    def _deploy(self, flow_name: str, facts: Mapping[str, Any]) -> str:
        flow = self.call("POST", "/flows/", {"name": flow_name})
        deployment = {"name": DEPLOYMENT_NAME, "flow_id": flow["id"], "tags": [TAG], **facts}
        deployment_id: str = self.call("POST", "/deployments/", deployment)["id"]
        self._deployments[flow_name] = deployment_id
        return deployment_id

    def create_flow_run(self, flow_name: str, run_id: str, tags: Sequence[str] = ()) -> str:
        """Create the flow run of a run, or find it; give its id."""
        flow_run = {
            "name": run_id,
            "idempotency_key": run_id,
            "parameters": {"run_id": run_id},
            "tags": list(tags),
            "state": {"type": "PENDING", "message": "The desk has accepted the run."},
        }
        deployment_id = self._deployments.get(flow_name) or self.register(flow_name)
        try:
            created = self.call("POST", f"/deployments/{deployment_id}/create_flow_run", flow_run)
        except httpx.HTTPStatusError as error:
            # Somebody may have deleted our deployment in Prefect's UI.
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise
            deployment_id = self.register(flow_name)
            created = self.call("POST", f"/deployments/{deployment_id}/create_flow_run", flow_run)
        return created["id"]

    def reopen(self, flow_run_id: str) -> None:
        """Let a flow run that was begun before begin once more: it is pending again."""
        if (self.read_flow_run(flow_run_id)["state"] or {}).get("type") == "PENDING":
            return
        state = {"type": "PENDING", "message": "The desk tries the run once more."}
        self._set_state(flow_run_id, state)

    def find_deliveries(self, now: datetime) -> list[Delivery]:
        """Find the requests that were made in Prefect and are due, the oldest first."""
        waiting = {
            "deployment_id": {"any_": [self._deployments[START_FLOW]]},
            "state": {"type": {"any_": ["SCHEDULED", "PENDING"]}},
        }
        asked = {"flow_runs": waiting, "sort": "EXPECTED_START_TIME_ASC", "limit": PAGE}
        return [
            Delivery(flow_run["id"], flow_run["parameters"])
            for flow_run in self.call("POST", "/flow_runs/filter", asked)
            if is_due(flow_run, now)
        ]

    def answer(self, flow_run_id: str, message: str, *, accepted: bool) -> None:
        """End the flow run of a request with the answer of START."""
        self._end(flow_run_id, *ANSWERS[accepted], message)

    def find_cancelled(self, flow_run_ids: Collection[str]) -> list[str]:
        """Find which of these flow runs somebody cancelled in Prefect."""
        if not flow_run_ids:
            return []
        pressed = {
            "id": {"any_": sorted(flow_run_ids)},
            "state": {"type": {"any_": ["CANCELLING", "CANCELLED"]}},
        }
        return [flow_run["id"] for flow_run in self._find_all({"flow_runs": pressed})]

    def find_unfinished(self) -> tuple[FlowRunFacts, ...]:
        """Find the flow runs of backtest_flow and live_scan_flow that have not ended."""
        unfinished = {
            "flows": {"name": {"any_": [mode.flow_type for mode in Mode]}},
            "flow_runs": {"state": {"type": {"any_": UNFINISHED}}},
        }
        return tuple(
            FlowRunFacts(
                flow_run_id=flow_run["id"],
                run_id=flow_run["parameters"].get("run_id"),
                key=flow_run["idempotency_key"],
            )
            for flow_run in self._find_all(unfinished)
        )

    def find_forgotten(self, flow_run_ids: Collection[str]) -> set[str]:
        """Find which of these flow runs there are not."""
        forgotten = set(flow_run_ids)
        if forgotten:
            named = {"flow_runs": {"id": {"any_": sorted(forgotten)}}}
            forgotten -= {flow_run["id"] for flow_run in self._find_all(named)}
        return forgotten

    def cancel_ghost(self, flow_run_id: str, message: str) -> None:
        """Cancel a flow run that is no run's."""
        self._end(flow_run_id, "CANCELLED", "Cancelled", message)

    def _find_all(self, wanted: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        asked = {**wanted, "sort": "ID_DESC", "limit": PAGE}
        for offset in count(0, PAGE):
            page = self.call("POST", "/flow_runs/filter", {**asked, "offset": offset})
            yield from page
            if len(page) < PAGE:
                return

    def settle(self, flow_run_id: str, state: str, message: str) -> None:
        """Bring a flow run's state in line with the ledger, against Prefect's rules if need be.

        *state* is a final `RunState`. A flow run that was deleted in Prefect is let go.
        """
        self._end(flow_run_id, *STATES[RunState(state)], message)

    def _end(self, flow_run_id: str, kind: str, name: str, message: str) -> None:
        try:
            if (self.read_flow_run(flow_run_id)["state"] or {}).get("type") == kind:
                return
            self._set_state(flow_run_id, {"type": kind, "name": name, "message": message})
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise

    def _set_state(self, flow_run_id: str, state: dict[str, str]) -> None:
        body = {"state": state, "force": True}
        self.call("POST", f"/flow_runs/{flow_run_id}/set_state", body)

    def read_flow_run(self, flow_run_id: str) -> dict[str, Any]:
        """Read one flow run."""
        return self.call("GET", f"/flow_runs/{quote(flow_run_id, safe='')}")

    def read_states(self, flow_run_id: str) -> list[dict[str, Any]]:
        """Read the states that a flow run went through, oldest first."""
        return self.call("GET", f"/flow_run_states/?flow_run_id={quote(flow_run_id, safe='')}")

    def read_logs(self, flow_run_id: str) -> list[dict[str, Any]]:
        """Read the log lines of a flow run, oldest first."""
        return self.call(
            "POST",
            "/logs/filter",
            {"logs": {"flow_run_id": {"any_": [flow_run_id]}}, "sort": "TIMESTAMP_ASC"},
        )

    def find_flow_runs(self, run_id: str) -> list[dict[str, Any]]:
        """Find the flow runs that bear the name of a run: one, if all is well."""
        return self.call("POST", "/flow_runs/filter", {"flow_runs": {"name": {"any_": [run_id]}}})

    def list_flow_runs(self, flow_names: Sequence[str]) -> Iterator[dict[str, Any]]:
        """List all flow runs of our deployments of these flows."""
        return self._find_all(
            {
                "flows": {"name": {"any_": list(flow_names)}},
                "deployments": {"name": {"any_": [DEPLOYMENT_NAME]}},
            }
        )

    def read_clock(self) -> datetime:
        """Read the time of the server."""
        try:
            return parsedate_to_datetime(self._http.get("/health").headers["Date"])
        except httpx.TransportError as error:
            raise PrefectUnavailableError(_tell(error)) from error

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask Prefect anything, and read its answer."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.ConnectError as error:
            raise PrefectUnavailableError("it is not up yet") from error
        except httpx.TransportError as error:
            raise PrefectUnavailableError(_tell(error)) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise PrefectUnavailableError(f"it answered {response.status_code} to {method} {path}")
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            error.add_note(response.text[:1000])
            raise
        return response.json()


def _tell(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "it does not answer"
    return "the connection broke in the middle of an answer"


def is_due(flow_run: Mapping[str, Any], now: datetime) -> bool:
    """Say whether the time has come for a flow run that has not begun."""
    if flow_run["state_type"] != "SCHEDULED":
        return True
    expected = flow_run["expected_start_time"]
    return not expected or datetime.fromisoformat(expected) <= now
