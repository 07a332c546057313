"""Prefect's REST API, as far as the desk uses it; Prefect itself is never imported."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import count
from typing import Any
from urllib.parse import quote

import httpx

from setupdesk.app.ports import EngineUnavailableError
from setupdesk.core.run import RunState

DEPLOYMENT_NAME = "setupdesk"
TAG = "setupdesk"
_PAGE = 200
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

    def __init__(self, url: str, auth_string: str) -> None:
        user, _, password = auth_string.partition(":")
        # The server keeps an idle connection longer than this, so none is used that it closed.
        limits = httpx.Limits(keepalive_expiry=30)
        self._deployments: dict[str, str] = {}
        self._http = httpx.Client(
            base_url=url,
            auth=(user, password),
            limits=limits,
            timeout=httpx.Timeout(10, connect=2),
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
        flow = self.call("POST", "/flows/", {"name": flow_name})
        deployment = {
            "name": DEPLOYMENT_NAME,
            "flow_id": flow["id"],
            "description": DESCRIPTION,
            "tags": [TAG],
            "parameter_openapi_schema": PARAMETERS,
            "enforce_parameter_schema": True,
        }
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

    def settle(self, flow_run_id: str, state: str, message: str) -> None:
        """Bring a flow run's state in line with the ledger, against Prefect's rules if need be.

        *state* is a final `RunState`. A flow run that was deleted in Prefect is let go.
        """
        kind, name = STATES[RunState(state)]
        try:
            if (self.read_flow_run(flow_run_id)["state"] or {}).get("type") == kind:
                return
            self.call(
                "POST",
                f"/flow_runs/{flow_run_id}/set_state",
                {"state": {"type": kind, "name": name, "message": message}, "force": True},
            )
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.NOT_FOUND:
                raise

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
        """List all flow runs of our deployments of these flows, the oldest first."""
        asked = {
            "flows": {"name": {"any_": list(flow_names)}},
            "deployments": {"name": {"any_": [DEPLOYMENT_NAME]}},
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": _PAGE,
        }
        for number in count():
            page = self.call("POST", "/flow_runs/filter", asked | {"offset": number * _PAGE})
            yield from page
            if len(page) < _PAGE:
                return

    def read_clock(self) -> datetime:
        """Read the time of the server."""
        try:
            return parsedate_to_datetime(self._http.get("/health").headers["Date"])
        except httpx.TransportError as error:
            raise PrefectUnavailableError(repr(error)) from error

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask Prefect anything, and read its answer."""
        try:
            response = self._http.request(method, path, json=body)
        except httpx.ConnectError as error:
            raise PrefectUnavailableError("it is not up yet") from error
        except httpx.TransportError as error:
            raise PrefectUnavailableError(repr(error)) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise PrefectUnavailableError(f"it answered {response.status_code} to {method} {path}")
        try:
            response.raise_for_status()
        except httpx.HTTPStatusError as error:
            error.add_note(response.text[:1000])
            raise
        return response.json()
