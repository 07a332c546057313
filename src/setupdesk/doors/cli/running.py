"""Start, stop and look at the desk's processes."""

from typing import Any

import typer

from setupdesk.doors.cli.access import (
    EXIT_CODES,
    find_remote,
    reach_running_desk,
    say,
    show,
    show_json,
)
from setupdesk.settings import Settings, load_settings
from setupdesk.supervisor import find_desk, run_here, start_detached, stop

NOT_RUNNING = EXIT_CODES["unavailable"]


def start_desk(*, detach: bool) -> None:
    """Start the desk, here or in the background."""
    settings = load_settings()
    if find_desk(settings):
        say(f"A desk runs in {settings.home} already; `setupdesk status` shows it.")
        return
    if not detach:
        run_here(settings, _say_where)
        return
    start_detached(settings)
    if page := ((find_desk(settings) or {}).get("processes") or {}).get("ui"):
        say(f"The web desk: {page['address']}")
    say(f"The desk of {settings.home} takes requests; `setupdesk down` stops it.")


def _say_where(settings: Settings) -> None:
    if settings.ui:
        say(f"The web desk: {settings.ui_address}")
    say(f"The desk of {settings.home} runs here; Ctrl-C stops it.")


def stop_desk() -> None:
    """Stop the desk."""
    settings = load_settings()
    ran = stop(settings)
    say("The desk is stopped." if ran else f"No desk runs in {settings.home}.")


def show_status(*, as_json: bool) -> None:
    """Show each process with its address, state and pid; of another machine's desk its health."""
    if remote := find_remote():
        _show_remote(remote.server.address, as_json=as_json)
        return
    settings = load_settings()
    desk = find_desk(settings)
    answer: dict[str, Any] = {"home": str(settings.home), "running": desk is not None}
    answer |= desk or {"pid": None, "processes": {}}
    if as_json:
        show_json(answer)
    else:
        show(f"home        {answer['home']}")
        show(f"supervisor  {'running' if desk else 'not running':<11} {answer['pid'] or ''}")
        for name, process in answer["processes"].items():
            show(f"{name:<11} {process['state']:<11} {process['pid']:<8} {process['address']}")
    if desk is None:
        raise typer.Exit(NOT_RUNNING)


def _show_remote(address: str, *, as_json: bool) -> None:
    checks = reach_running_desk().health()["checks"]
    if as_json:
        show_json({"server": address, "running": True, "checks": checks})
        return
    show(f"server      {address}")
    for one in checks:
        show(f"{one['check']:<11} {one['grade']:<11} {one['seen']}")
