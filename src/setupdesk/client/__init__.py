"""The typed client of /api/v1: how doors and other programs talk to a running desk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

from setupdesk.adapters.event_stream import follow_stream
from setupdesk.adapters.parcel import Parcel, Watch, check_size, open_parcel
from setupdesk.client.channels import ChannelCalls
from setupdesk.client.connection import DeskAnswerError, read_error, wait_for_answer
from setupdesk.client.handle import RunHandle
from setupdesk.client.payload import build_payload
from setupdesk.client.saved import SavedCalls
from setupdesk.client.schedules import ScheduleCalls
from setupdesk.client.sign_in_links import SignInLinkCalls
from setupdesk.client.telegram import TelegramCalls
from setupdesk.client.watches import WatchCalls
from setupdesk.core.errors import InvalidRequestError, NotFoundError
from setupdesk.core.problem import load_problem
from setupdesk.core.run import RUN_ID, Door
from setupdesk.settings import Settings
from setupdesk.supervisor import await_service

__all__ = ["Client", "DeskAnswerError", "connect"]

_LONGEST_IMPORT = 600.0
"""Seconds to wait for what becomes of a large file: it is parsed for longer than others answer."""


class Client(SavedCalls, ScheduleCalls, WatchCalls, ChannelCalls, TelegramCalls, SignInLinkCalls):
    """One connection to a desk. Answers are the API's JSON; errors are raised.

    ``Client()`` reaches the desk that ``SETUPDESK_SERVER`` and ``SETUPDESK_KEY`` name, else the
    one that runs in the home; ``Client(address, api_key)`` any other. The *certificate*, a PEM
    file, is trusted alone where it is given. Raises ``PlainServerError`` for another machine's
    ``http``, unless *insecure*, and ``DeskUnavailableError``. Sentences of its answers are said in
    the *language*, ``en`` or ``ru``.
    """

    def ask(self, payload: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Ask for a run; the answer is a Receipt, accepted or refused.

        The same payload with the same *key* is one request, however often it is sent.
        """
        return self._ask("/runs", payload, key)

    def rerun(
        self, run_id: str, changes: Mapping[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        """Ask for what was asked before, with *changes*; the answer is a Receipt like any other."""
        return self._ask(f"/runs/{_check(run_id)}/rerun", changes, key)

    def _ask(self, path: str, payload: Mapping[str, Any], key: str | None) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self._send("POST", path, json=dict(payload), headers=headers)
        if answer.headers["content-type"] == "application/json":
            receipt: dict[str, Any] = answer.json()
            return receipt
        raise read_error(answer)

    def backtest(  # noqa: PLR0913 (what a backtest is asked with)
        self,
        *,
        setup: str,
        symbol: str,
        timeframe: str,
        start: str | date | None = None,
        end: str | date | None = None,
        last: str | None = None,
        rr_target: float | None = None,
        max_trades: int | None = None,
        dry_run: bool = False,
        key: str | None = None,
        **params: float | str,
    ) -> RunHandle:
        """Ask for a backtest; *end* is inclusive, *params* are the setup's own.

        Raises ``InvalidRequestError`` with every Problem where it is refused.
        """
        options = {"rr_target": rr_target, "max_trades": max_trades, "dry_run": dry_run or None}
        market = {"setup_id": setup, "symbol": symbol, "timeframe": timeframe}
        period = {"start": start, "end": end, "last": last}
        return self._start(build_payload("backtest", market, period, options, params), key)

    def analyze(
        self,
        *,
        setup: str,
        symbol: str,
        timeframe: str,
        at: str | None = None,
        key: str | None = None,
        **params: float | str,
    ) -> RunHandle:
        """Look once at the newest stored session, or *at* a moment of ISO 8601, as if it were now.

        Refusals are as those of ``backtest``; a moment without an offset is on the market's clock.
        """
        market = {"setup_id": setup, "symbol": symbol, "timeframe": timeframe}
        market |= {"at": at} if at else {}
        return self._start(build_payload("live", market, {}, {}, params), key)

    def _start(self, payload: Mapping[str, Any], key: str | None) -> RunHandle:
        # With a key of its own, what got no answer can be sent again, and starts nothing twice.
        receipt = self.ask(payload, key)
        if receipt["status"] == "refused":
            raise InvalidRequestError([load_problem(one) for one in receipt["problems"]])
        return RunHandle(self, receipt)

    def handle(self, run_id: str) -> RunHandle:
        """Take up a run that was accepted before."""
        run = self.run(run_id)
        return RunHandle(self, {"run_id": run_id, "request": run["request"]})

    def validate(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Say what would become of a request; nothing is written or started."""
        return self._read(self._send("POST", "/runs/validate", json=payload))

    def runs(self, limit: int, **said: Any) -> dict[str, Any]:
        """Give a page of the newest runs that are as *said*, and the cursor of the next one."""
        return self._get("/runs", limit=limit, **said)

    def compare(self, run_ids: Sequence[str]) -> dict[str, Any]:
        """Put two to six completed backtests side by side."""
        return self._get("/runs/compare", run=list(run_ids))

    def queue(self, limit: int) -> dict[str, Any]:
        """Show who runs and who waits."""
        return self._get("/queue", limit=limit)

    def run(self, run_id: str) -> dict[str, Any]:
        """Give all that is known of a run except its report."""
        return self._get(f"/runs/{_check(run_id)}")

    def result(self, run_id: str) -> dict[str, Any]:
        """Give the report of a completed run."""
        return self._get(f"/runs/{_check(run_id)}/result")

    def report_page(self, run_id: str) -> str:
        """Give the report of a completed run as one HTML file."""
        answer = self._send("GET", f"/runs/{_check(run_id)}/report.html")
        if answer.is_success:
            return answer.text
        raise read_error(answer)

    def trades(self, run_id: str) -> list[dict[str, Any]]:
        """List the trades of a completed run."""
        return self._get(f"/runs/{_check(run_id)}/trades")

    def equity(self, run_id: str) -> list[dict[str, Any]]:
        """Give the sum of R after each trade of a completed run, and how far below its high."""
        return self._get(f"/runs/{_check(run_id)}/equity")

    def signals(self, run_id: str) -> list[dict[str, Any]]:
        """List the candidates of a completed run, each with its verdict and why."""
        return self._get(f"/runs/{_check(run_id)}/signals")

    def evidence(self, run_id: str, candidate: int | None = None) -> list[dict[str, Any]]:
        """Give what was asked of each candidate of a completed run, or of one, in order."""
        return self._get(f"/runs/{_check(run_id)}/evidence", candidate=candidate)

    def log_events(self, run_id: str) -> list[dict[str, Any]]:
        """Give the log of a run, event by event."""
        return self._get(f"/runs/{_check(run_id)}/logs")

    def events(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Tell what becomes of a run as it happens: ``{event, id, data}``, the last one ``end``.

        A connection that breaks is made anew, and goes on after the last event.
        """
        path = f"/runs/{_check(run_id)}/events"
        return follow_stream(lambda heard: self._listen(path, heard))

    def change_run(self, run_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Change a run's name, notes or tags, or the priority of one that waits."""
        return self._read(self._send("PATCH", f"/runs/{_check(run_id)}", json=dict(said)))

    def cancel(self, run_id: str) -> dict[str, Any]:
        """Stop a run; its row stays."""
        return self._read(self._send("POST", f"/runs/{_check(run_id)}/cancel"))

    def health(self) -> dict[str, Any]:
        """Say whether the desk can do its work now, check by check; raised where it cannot."""
        return self._get("/health")

    def desk(self) -> dict[str, Any]:
        """Show the desk's processes, versions, bounds, and where its files are."""
        return self._get("/desk")

    def doctor(self) -> dict[str, Any]:
        """Have everything of the desk checked; each check says what to do."""
        return self._get("/doctor")

    def audit_log(self, limit: int, **said: Any) -> list[dict[str, Any]]:
        """List the newest requests that are as *said*, accepted and refused."""
        return self._get("/audit", limit=limit, **said)

    def check_audit_log(self) -> dict[str, Any]:
        """Say whether any row of the audit log was changed or removed, and which is the first."""
        return self._get("/audit/check")

    def changes(self, limit: int) -> list[dict[str, Any]]:
        """List who changed which schedules and watches, the newest first."""
        return self._get("/audit/changes", limit=limit)

    def turned_away(self, limit: int) -> list[dict[str, Any]]:
        """List what came without a right key, counted by hour, address and reason."""
        return self._get("/audit/turned-away", limit=limit)

    def version(self) -> str:
        """Give the version of the desk."""
        return str(self._get("/version")["version"])

    def whoami(self) -> dict[str, Any]:
        """Say whose key this client has, and what it allows."""
        return self._get("/whoami")

    def keys(self) -> list[dict[str, Any]]:
        """List the keys to the API that were given out."""
        return self._get("/keys")

    def add_key(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Make a key; the answer is the only place where it is ever shown."""
        return self._read(self._send("POST", "/keys", json=wanted))

    def revoke_key(self, key_id: str) -> dict[str, Any]:
        """Take a key back, at once and for good."""
        return self._read(self._send("POST", f"/keys/{quote(key_id, safe='')}/revoke"))

    def setups(self) -> list[dict[str, Any]]:
        """List the setups of the Rule Registry."""
        return self._get("/setups")

    def setup_mistakes(self) -> dict[str, list[str]]:
        """List the user's own rules that cannot be used."""
        return self._get("/setups/mistakes")

    def setup(self, setup_id: str) -> dict[str, Any]:
        """Give one setup with its rule, in words and as YAML."""
        return self._get(f"/setups/{quote(setup_id, safe='')}")

    def add_setup(
        self, text: str, file_name: str, *, dry_run: bool, watch: Watch = lambda *_: None
    ) -> dict[str, Any]:
        """Check the YAML of a rule, put it through the gate and, unless a dry run, publish it."""
        asked = {"file_name": file_name, "dry_run": dry_run}
        done: dict[str, Any] = {}
        for event in self._stream("/setups", 300, params=asked, json=text):
            kind = event.pop("event")
            if kind == "progress":
                watch(event["stage"], event["done"], event["total"])
            else:
                done = event
        return done

    def hooks(self) -> list[dict[str, Any]]:
        """List the hooks, the newest first."""
        return self._get("/hooks")

    def add_hook(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Make a hook: name, kind, payload, fields, senders; its address is shown this once."""
        return self._read(self._send("POST", "/hooks", json=said))

    def revoke_hook(self, hook_id: str) -> dict[str, Any]:
        """Let a hook start nothing more."""
        return self._read(self._send("POST", f"/hooks/{quote(hook_id, safe='')}/revoke"))

    def timeframes(self) -> list[str]:
        """List the timeframes, the finest first."""
        return self._get("/timeframes")

    def symbols(self) -> list[dict[str, Any]]:
        """List the symbols of the catalogue."""
        return self._get("/symbols")

    def symbol_mistakes(self) -> dict[str, list[str]]:
        """List the user's own symbol files that cannot be used."""
        return self._get("/symbols/mistakes")

    def symbol(self, name: str) -> dict[str, Any]:
        """Give one symbol with its windows, its costs and its TOML."""
        return self._get(f"/symbols/{quote(name, safe='')}")

    def add_symbol(self, text: str, file_name: str, *, dry_run: bool) -> dict[str, Any]:
        """Check the TOML of a symbol and, unless it is a dry run, keep it."""
        asked = {"file_name": file_name, "dry_run": dry_run}
        return self._read(self._send("POST", "/symbols", params=asked, json=text))

    def data_sets(self) -> list[dict[str, Any]]:
        """List the stored bars."""
        return self._get("/data")

    def data_set(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Describe one data set and its versions."""
        return self._get(_data_path(symbol, timeframe))

    def quality(self, symbol: str, timeframe: str | None) -> list[dict[str, Any]]:
        """Measure a data set, or all of a symbol."""
        return self._get(_data_path(symbol, "quality"), timeframe=timeframe)

    def coverage(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Give as columns how many bars each session should have, and how many of them it has."""
        return self._get(f"{_data_path(symbol, timeframe)}/coverage")

    def export_bars(self, symbol: str, timeframe: str, form: str) -> bytes:
        """Give the bars as a file: csv, csv.gz or parquet."""
        answer = self._send("GET", f"{_data_path(symbol, timeframe)}/export", params={"form": form})
        if answer.is_success:
            return answer.content
        raise read_error(answer)

    def delete_bars(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Delete a data set with all its versions."""
        return self._read(self._send("DELETE", _data_path(symbol, timeframe)))

    def levels(
        self, symbol: str, timeframe: str, window: str, start: str | None, end: str | None
    ) -> dict[str, Any]:
        """Follow a named window through the sessions."""
        return self._get(
            f"{_data_path(symbol, timeframe)}/levels", window=window, start=start, end=end
        )

    def import_bars(
        self,
        files: Path | Sequence[Path],
        symbol: str,
        timeframe: str,
        said: Mapping[str, Any],
        watch: Watch = lambda *_: None,
    ) -> dict[str, Any]:
        """Import a file, a folder or several files as one data set.

        Their owner has *said* clock, source and so on; *watch* is told how far it is.
        """
        with open_parcel([files] if isinstance(files, Path) else files, watch) as parcel:
            check_size(parcel.name, parcel.size)
            asked = {"file_name": parcel.name, "symbol": symbol, "timeframe": timeframe, **said}
            answer = self._send(
                "POST",
                "/data/import",
                params={**asked, "folder": parcel.is_folder},
                content=_send_all(parcel, watch),
                headers={"Content-Length": str(parcel.size)},
                timeout=wait_for_answer(_LONGEST_IMPORT),
            )
            skipped = [each._asdict() for each in parcel.skipped]
        done: dict[str, Any] = self._read(answer)
        return {**done, "skipped": [*skipped, *done["skipped"]]}

    def simulate_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Store bars of the simulated market."""
        return self._read(self._send("POST", "/data/simulated", json=payload))

    def bars(  # noqa: PLR0913 (the query's own parts)
        self,
        symbol: str,
        timeframe: str,
        *,
        start: str | None = None,
        end: str | None = None,
        limit: int = 5_000,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Give the last bars of a period as columns, and the cursor of those before them."""
        asked = {"start": start, "end": end, "limit": limit, "cursor": cursor}
        return self._get(f"{_data_path(symbol, timeframe)}/bars", **asked)

    def push_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Send closed bars of ``{symbol, timeframe, bars}``; the same ones again change nothing."""
        return self._read(self._send("POST", "/bars", json=dict(payload)))

    def fetch_bars(self, payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Fetch bars from a feed: an event a day, and as the last one what was stored."""
        # The desk is silent while it waits for a vendor that asked it to.
        return self._stream("/data/fetch", 900, json=payload)


def connect(settings: Settings, door: Door = Door.API) -> Client:
    """Connect to the desk that runs in the settings' home, and wait for it if it is starting."""
    # Only a desk that holds its lock is believed: the key is for nobody else.
    address = await_service(settings)
    key = settings.api_key_file.read_text()
    # It may listen on an address that is not loopback, but never leaves the machine.
    return Client(address, key, door, certificate=settings.listening.tls_certificate, insecure=True)


def _send_all(parcel: Parcel, watch: Watch) -> Iterator[bytes]:
    yield from parcel.chunks("sending", watch)
    watch("parsing and storing", 0, 0)


def _check(run_id: str) -> str:
    # It becomes part of an address, which nobody else may shape.
    if not RUN_ID.fullmatch(run_id):
        raise NotFoundError("run", run_id)
    return run_id


def _data_path(*parts: str) -> str:
    return "/".join(["/data", *(quote(part, safe="") for part in parts)])
