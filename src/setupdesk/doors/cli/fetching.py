"""Fetch bars from a feed, and show how far it is."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from setupdesk.doors.cli.access import INTERRUPTED, reach_desk, say, show, show_json

_LINES = 10
"""So many lines at most tell of the progress where there is no terminal."""


def fetch(payload: Mapping[str, Any], *, as_json: bool) -> None:
    """Fetch bars, with a bar of progress on a terminal and some lines elsewhere."""
    desk = reach_desk()
    done: Mapping[str, Any] = {}
    with _letting_go(), _showing_progress() as tell:
        for event in desk.fetch_bars(payload):
            if event["event"] == "done":
                done = event
            else:
                tell(event)
    if as_json:
        show_json({name: value for name, value in done.items() if name != "event"})
    else:
        _show_fetched(done)


@contextmanager
def _letting_go() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("\nStopped. The same command goes on where this one was.")
        raise typer.Exit(INTERRUPTED) from None


@contextmanager
def _showing_progress() -> Iterator[Callable[[Mapping[str, Any]], None]]:
    if not sys.stderr.isatty():
        yield _say_some
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f} days"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)

        def tell(event: Mapping[str, Any]) -> None:
            said = f"{event['day']}  {event['bars']:,} bars"
            progress.update(task, description=said, completed=event["days"], total=event["of"])

        yield tell


def _say_some(event: Mapping[str, Any]) -> None:
    done, days = event["days"], event["of"]
    if done * _LINES // days > (done - 1) * _LINES // days:
        say(f"{event['day']}  {done:,} of {days:,} days, {event['bars']:,} bars")


def _show_fetched(done: Mapping[str, Any]) -> None:
    source = f"{done['feed']} ({done['listing']}, {done['side']} prices)"
    bare = done["days_without_bars"]
    if done["outcome"] == "empty":
        show(f"{source} has no bars in these {done['days']:,} days.")
    else:
        show(
            f"{done['symbol']} {done['timeframe']}: {done['outcome']}, {done['added']:,} bars "
            f"added, {done['rows']:,} in all, {done['first'][:16]} to {done['last'][:16]} UTC, "
            f"from {source}"
        )
    if done["disagreeing"]:
        show(f"{done['disagreeing']:,} bars had other prices before; those of the feed stand.")
    if bare and done["outcome"] != "empty":
        more = f" and {len(bare) - 10} more: --json" if len(bare) > 10 else ""
        show(f"no bars on {len(bare):,} days of the week: {', '.join(bare[:10])}{more}")
