"""The desk in the caller's own process: the same steps, without server and without Prefect."""

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from structlog.contextvars import bound_contextvars

from setupdesk import __version__
from setupdesk.adapters.event_log import EventLog, logging_to
from setupdesk.adapters.parcel import Watch, open_parcel
from setupdesk.app.hook_desk import read_wanted
from setupdesk.core.caller import HOME, Caller, NewKey, Role
from setupdesk.core.run import Door, Receipt, RunState
from setupdesk.settings import Settings
from setupdesk.supervisor import find_desk
from setupdesk.wiring.desk import Desk, build_desk
from setupdesk.wiring.running import build_flow_body, build_journal

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class InlineDesk:
    """Answers as a `client.Client` does; a run that is asked for is over when ``ask`` returns."""

    desk: Desk
    door: Door

    def ask(self, payload: Mapping[str, Any], key: str | None = None) -> dict[str, Any]:
        """Ask for a run and carry it out, unless *key* says that this was done before."""
        with self._logging():
            receipt = self.desk.start(payload, user=self._owner, door=self.door, key=key)
            return self._follow_up(receipt)

    def rerun(
        self, run_id: str, changes: Mapping[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        """Ask for what was asked before, with *changes*, and carry it out."""
        caller = replace(HOME, user=self._owner)
        with self._logging():
            receipt = self.desk.run_desk.rerun(run_id, changes, caller, self.door, key)
            return self._follow_up(receipt)

    def _follow_up(self, receipt: Receipt) -> dict[str, Any]:
        if receipt.run_id:
            with bound_contextvars(run_id=receipt.run_id):
                self._carry_out(receipt.run_id)
        return receipt.to_json()

    @property
    def _owner(self) -> str:
        return self.desk.settings.owner

    @property
    def _caller(self) -> Caller:
        return Caller(user=self._owner, role=Role.ADMIN)

    def _logging(self) -> AbstractContextManager[None]:
        kept = self.desk.settings
        return logging_to(EventLog("inline", kept.logs, kept.runs, kept.secret_files))

    def _carry_out(self, run_id: str) -> None:
        process = {"pid": os.getpid()}
        log.info("process started", extra=process)
        try:
            journal = build_journal(self.desk.settings, f"inline {os.getpid()}")
            build_flow_body(self.desk.settings, journal)(run_id)
        except KeyboardInterrupt:
            self.desk.outbox.lay_to_rest(run_id, "interrupted in the terminal")
            log.warning("interrupted in the terminal")
            raise
        except Exception:  # noqa: BLE001, S110 (how the run ended is in the ledger, with the traceback)
            pass
        log.info("process done with it", extra=process)

    def runs(self, limit: int, **said: Any) -> dict[str, Any]:
        """Give a page of the newest runs that are as *said*, and the cursor of the next one."""
        return self.desk.find_runs(said, limit)

    def compare(self, run_ids: Sequence[str]) -> dict[str, Any]:
        """Put two to six completed backtests side by side."""
        return self.desk.compare_runs(run_ids)

    def saved_requests(self) -> list[dict[str, Any]]:
        """List the owner's saved requests, by name."""
        return self.desk.saved_desk.list_saved(self._caller)

    def saved_request(self, named: str) -> dict[str, Any]:
        """Give a saved request, by its id or its name."""
        return self.desk.saved_desk.show(named, self._caller)

    def save_request(
        self, name: str, payload: Mapping[str, Any], *, replaces: bool = False
    ) -> dict[str, Any]:
        """Keep a payload under a name; one that is taken is refused unless *replaces*."""
        said = {"name": name, "payload": dict(payload), "replaces": replaces}
        with self._logging():
            return self.desk.saved_desk.add(said, self._caller)

    def remove_saved_request(self, named: str) -> dict[str, Any]:
        """Forget a saved request."""
        with self._logging():
            return self.desk.saved_desk.remove(named, self._caller)

    def queue(self, limit: int) -> dict[str, Any]:
        """Show who runs and who waits."""
        desk_runs = find_desk(self.desk.settings) is not None
        return self.desk.show_queue(limit, desk_runs=desk_runs)

    def run(self, run_id: str) -> dict[str, Any]:
        """Give all that is known of a run except its report."""
        return self.desk.queries.run(run_id)

    def result(self, run_id: str) -> dict[str, Any]:
        """Give the report of a completed run."""
        return self.desk.queries.result(run_id)

    def report_page(self, run_id: str) -> str:
        """Give the report of a completed run as one HTML file."""
        return self.desk.write_report_page(run_id)

    def trades(self, run_id: str) -> list[dict[str, Any]]:
        """List the trades of a completed run."""
        return self.desk.queries.trades(run_id)

    def equity(self, run_id: str) -> list[dict[str, Any]]:
        """Give the sum of R after each trade of a completed run, and how far below its high."""
        return self.desk.queries.equity(run_id)

    def signals(self, run_id: str) -> list[dict[str, Any]]:
        """List the candidates of a completed run, each with its verdict and why."""
        return self.desk.queries.signals(run_id)

    def evidence(self, run_id: str, candidate: int | None = None) -> list[dict[str, Any]]:
        """Give what was asked of each candidate of a completed run, or of one, in order."""
        return self.desk.queries.evidence(run_id, candidate)

    def log_events(self, run_id: str) -> list[dict[str, Any]]:
        """Give the log of a run, event by event."""
        return self.desk.queries.log_events(run_id)

    def events(self, run_id: str) -> Iterator[dict[str, Any]]:
        """Tell what becomes of a run as it happens, until its end."""
        listener = self.desk.run_desk.follow(run_id)
        event = ""
        while event != "end":
            for told in listener.look():
                event = told.event
                yield {"event": event, "id": told.position.write(), "data": dict(told.said)}
            time.sleep(0.1)

    def change_run(self, run_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Change a run's name, notes or tags, or the priority of one that waits."""
        with self._logging():
            return self.desk.run_desk.change(run_id, said, user=self._owner, door=self.door)

    def cancel(self, run_id: str) -> dict[str, Any]:
        """Stop a run; its row stays."""
        with self._logging():
            answer = self.desk.cancel(run_id, self._owner, self.door)
        if answer["state"] is RunState.CANCELLING and find_desk(self.desk.settings) is None:
            # The executor that held it is gone, and nobody will come to say so.
            self.desk.outbox.lay_to_rest(run_id, "cancelled on demand")
            answer["state"] = RunState.CANCELLED
        return answer

    def audit_log(self, limit: int, **said: Any) -> list[dict[str, Any]]:
        """List the newest requests that are as *said*, accepted and refused."""
        return self.desk.queries.audit_log(limit, said=said)

    def check_audit_log(self) -> dict[str, Any]:
        """Say whether any row of the audit log was changed or removed, and which is the first."""
        return self.desk.anchors.check()

    def changes(self, limit: int) -> list[dict[str, Any]]:
        """List who changed which schedules and watches, the newest first."""
        return self.desk.list_changes(limit)

    def turned_away(self, limit: int) -> list[dict[str, Any]]:
        """List what came without a right key, counted by hour, address and reason."""
        return self.desk.turned_away.load(limit)

    def version(self) -> str:
        """Give the version of the desk."""
        return __version__

    def whoami(self) -> dict[str, Any]:
        """Say who works in this home; no key is needed here."""
        return {"user": self._owner, "role": HOME.role, **asdict(HOME.quota)}

    def keys(self) -> list[dict[str, Any]]:
        """List the keys to the API that were given out."""
        return self.desk.key_desk.keys_of(HOME)

    def add_key(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Make a key; the answer is the only place where it is ever shown."""
        with self._logging():
            return self.desk.key_desk.add(
                NewKey(**{**wanted, "role": Role(wanted["role"])}), self._owner
            )

    def revoke_key(self, key_id: str) -> dict[str, Any]:
        """Take a key back, at once and for good."""
        with self._logging():
            return self.desk.key_desk.revoke(key_id, self._owner)

    def setups(self) -> list[dict[str, Any]]:
        """List the setups of the Rule Registry."""
        return self.desk.rule_desk.setups()

    def setup_mistakes(self) -> dict[str, list[str]]:
        """List the user's own rules that cannot be used."""
        return self.desk.rule_desk.mistakes()

    def setup(self, setup_id: str) -> dict[str, Any]:
        """Give one setup with its rule, in words and as YAML."""
        return self.desk.rule_desk.setup(setup_id)

    def add_setup(
        self, text: str, file_name: str, *, dry_run: bool, watch: Watch = lambda *_: None
    ) -> dict[str, Any]:
        """Check the YAML of a rule, put it through the gate and, unless a dry run, publish it."""
        with self._logging():
            return self.desk.rule_desk.add(
                text, file_name, self._owner, dry_run=dry_run, note=watch
            )

    def hooks(self) -> list[dict[str, Any]]:
        """List the hooks, the newest first."""
        return self.desk.hook_desk.list_hooks(self._caller)

    def add_hook(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Make a hook: name, kind, payload, fields, senders; its address is shown this once."""
        with self._logging():
            return self.desk.hook_desk.add(read_wanted(said), self._caller)

    def revoke_hook(self, hook_id: str) -> dict[str, Any]:
        """Let a hook start nothing more."""
        with self._logging():
            return self.desk.hook_desk.revoke(hook_id, self._caller)

    def schedules(self) -> list[dict[str, Any]]:
        """List the schedules, the newest first, each with its next tick."""
        return self.desk.schedule_desk.list_schedules(self._caller)

    def schedule(self, schedule_id: str) -> dict[str, Any]:
        """Give a schedule with its next ticks."""
        return self.desk.schedule_desk.show(schedule_id, self._caller)

    def add_schedule(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Make a schedule; it is due as soon as a desk runs in this home."""
        with self._logging():
            return self.desk.schedule_desk.add(said, self._caller)

    def change_schedule(self, schedule_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Change the fields of a schedule that are said, such as paused."""
        with self._logging():
            return self.desk.schedule_desk.change(schedule_id, said, self._caller)

    def run_schedule_now(self, schedule_id: str) -> dict[str, Any]:
        """Ask at once for what a schedule asks for, and carry it out."""
        with self._logging():
            tick = self.desk.schedule_desk.run_now(schedule_id, self._caller)
            for run_id in tick["run_ids"]:
                with bound_contextvars(run_id=run_id):
                    self._carry_out(run_id)
            return tick

    def remove_schedule(self, schedule_id: str) -> dict[str, Any]:
        """Let a schedule start nothing more."""
        with self._logging():
            return self.desk.schedule_desk.remove(schedule_id, self._caller)

    def ticks(self, schedule_id: str, limit: int) -> list[dict[str, Any]]:
        """List what became of the ticks of a schedule, the newest first."""
        return self.desk.schedule_desk.list_ticks(schedule_id, limit, self._caller)

    def next_ticks(self, limit: int) -> list[dict[str, Any]]:
        """List the coming ticks of all schedules, the next one first."""
        return self.desk.schedule_desk.list_next(limit, self._caller)

    def watches(self, *, ended: bool = False) -> list[dict[str, Any]]:
        """List the watches, the newest first."""
        return self.desk.watch_desk.list_watches(self._caller, ended=ended)

    def watch(self, watch_id: str) -> dict[str, Any]:
        """Give a watch with where each of its looks stands."""
        return self.desk.watch_desk.show(watch_id, self._caller)

    def add_watch(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Make a watch; it looks as soon as a desk runs in this home."""
        with self._logging():
            return self.desk.watch_desk.add(said, self._caller)

    def watched_bars(self, watch_id: str, symbol: str, limit: int) -> dict[str, Any]:
        """Give the newest bars of a symbol as a watch saw them, as columns."""
        return self.desk.show_watched_bars(watch_id, symbol, self._caller, limit)

    def end_watch(self, watch_id: str) -> dict[str, Any]:
        """Let a watch look no more."""
        with self._logging():
            return self.desk.watch_desk.end(watch_id, self._caller)

    def polls(self, watch_id: str, limit: int) -> list[dict[str, Any]]:
        """List the newest polls of a watch, and what came of each."""
        return self.desk.watch_desk.polls(watch_id, self._caller, limit)

    def alerts(self, limit: int, watch_id: str | None = None) -> list[dict[str, Any]]:
        """List the newest alerts, with what became of each."""
        return self.desk.watch_desk.alerts(self._caller, limit, watch_id)

    def alert(self, alert_id: str) -> dict[str, Any]:
        """Give one alert, with what became of it."""
        return self.desk.watch_desk.alert(alert_id, self._caller)

    def channels(self) -> list[dict[str, Any]]:
        """List the channels, the newest first."""
        return self.desk.channel_desk.list_channels(self._caller)

    def add_channel(self, said: Mapping[str, Any]) -> dict[str, Any]:
        """Make a channel; its secret is shown this once."""
        with self._logging():
            return self.desk.channel_desk.add(said, self._owner)

    def change_channel(self, channel_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """Change the fields of a channel that are said."""
        with self._logging():
            return self.desk.channel_desk.change(channel_id, said, self._caller)

    def revoke_channel(self, channel_id: str) -> dict[str, Any]:
        """Tell a channel nothing more."""
        with self._logging():
            return self.desk.channel_desk.revoke(channel_id, self._caller)

    def mute(self, channel_id: str, setup_id: str, symbol: str | None = None) -> dict[str, Any]:
        """Tell a channel nothing of a setup for the rest of its market's day."""
        said = {"setup_id": setup_id} | ({"symbol": symbol} if symbol else {})
        with self._logging():
            return self.desk.mute_desk.mute(channel_id, said, self._caller)

    def unmute(self, channel_id: str, setup_id: str) -> dict[str, Any]:
        """Tell a channel of a setup again."""
        with self._logging():
            return self.desk.mute_desk.unmute(channel_id, setup_id, self._caller)

    def test_channel(self, channel_id: str) -> dict[str, Any]:
        """Tell a channel at once that this is a test."""
        return self.desk.channel_desk.test(channel_id, self._caller)

    def notifications(self, limit: int, channel_id: str | None = None) -> list[dict[str, Any]]:
        """List what channels were told, and what they are to be told, the newest first."""
        return self.desk.channel_desk.log(channel_id, limit, self._caller)

    def symbols(self) -> list[dict[str, Any]]:
        """List the symbols of the catalogue."""
        return self.desk.symbol_desk.symbols()

    def symbol_mistakes(self) -> dict[str, list[str]]:
        """List the user's own symbol files that cannot be used."""
        return self.desk.symbol_desk.mistakes()

    def symbol(self, name: str) -> dict[str, Any]:
        """Give one symbol with its windows, its costs and its TOML."""
        return self.desk.symbol_desk.symbol(name)

    def add_symbol(self, text: str, file_name: str, *, dry_run: bool) -> dict[str, Any]:
        """Check the TOML of a symbol and, unless it is a dry run, keep it."""
        with self._logging():
            return self.desk.symbol_desk.add(text, file_name, self._owner, dry_run=dry_run)

    def data_sets(self) -> list[dict[str, Any]]:
        """List the stored bars."""
        return self.desk.data_desk.data_sets()

    def data_set(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Describe one data set and its versions."""
        return self.desk.data_desk.data_set(symbol, timeframe)

    def quality(self, symbol: str, timeframe: str | None) -> list[dict[str, Any]]:
        """Measure a data set, or all of a symbol."""
        return self.desk.data_desk.quality(symbol, timeframe)

    def coverage(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Give as columns how many bars each session should have, and how many of them it has."""
        return self.desk.data_desk.coverage(symbol, timeframe)

    def export_bars(self, symbol: str, timeframe: str, form: str) -> bytes:
        """Give the bars as a file: csv, csv.gz or parquet."""
        return self.desk.data_desk.export_bars(symbol, timeframe, form)

    def delete_bars(self, symbol: str, timeframe: str) -> dict[str, Any]:
        """Delete a data set with all its versions."""
        with self._logging():
            return self.desk.data_desk.delete_bars(symbol, timeframe, self._owner)

    def levels(
        self, symbol: str, timeframe: str, window: str, start: str | None, end: str | None
    ) -> dict[str, Any]:
        """Follow a named window through the sessions."""
        return self.desk.data_desk.levels(symbol, timeframe, window, start, end)

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
            raw, skipped = b"".join(parcel.chunks("reading", watch)), parcel.skipped
        with self._logging():
            done = self.desk.data_desk.import_bars(
                raw,
                parcel.name,
                symbol,
                timeframe,
                folder=parcel.is_folder,
                by=self._owner,
                note_stage=lambda stage: watch(stage, 0, 0),
                **said,
            )
        return {**done, "skipped": [*(each._asdict() for each in skipped), *done["skipped"]]}

    def simulate_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Store bars of the simulated market."""
        return self.desk.data_desk.simulate_bars(payload)

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
        return self.desk.show_bars(
            symbol, timeframe, start=start, end=end, limit=limit, cursor=cursor
        )

    def push_bars(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Take closed bars of another program in, all or none."""
        return self.desk.push_bars(payload)

    def fetch_bars(self, payload: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Fetch bars from a feed: an event a day, and as the last one what was stored."""
        return self.desk.fetch(payload)


def open_inline(settings: Settings, door: Door) -> InlineDesk:
    """Open the desk of the settings' home in this process."""
    return InlineDesk(build_desk(settings, hands_over=False), door)
