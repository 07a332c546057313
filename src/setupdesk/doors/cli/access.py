"""How the CLI reaches a desk: the one that runs, one in this process, or one it starts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from setupdesk.core.errors import SetupdeskError
from setupdesk.core.printing import escape
from setupdesk.core.run import Door
from setupdesk.doors.cli.speech import tell
from setupdesk.settings import Server, Settings, find_server, load_settings

if TYPE_CHECKING:
    from setupdesk.client import Client
    from setupdesk.inline import InlineDesk

    Access = Client | InlineDesk

RUN_FAILED, USAGE, REFUSED, UNREACHED, INTERRUPTED = 1, 2, 3, 5, 130
EXIT_CODES = {
    "bug": RUN_FAILED,
    "unwell": RUN_FAILED,
    "invalid_settings": USAGE,
    "unsafe_start": USAGE,
    "plain_server": USAGE,
    "not_found": 4,
    "no_result": 4,
    "not_waiting": 4,
    "damaged_result": 4,
    "unavailable": UNREACHED,
    "ledger_unavailable": UNREACHED,
    "no_answer": UNREACHED,
    "feed_failed": UNREACHED,
    "no_key": UNREACHED,
    "wrong_key": UNREACHED,
    "expired_key": UNREACHED,
    "revoked_key": UNREACHED,
    "too_fast": UNREACHED,
    "undelivered": UNREACHED,
    "channel_busy": UNREACHED,
}


def reach_desk(*, inline: bool = False) -> "Access":
    """Reach the desk that runs; if none does, work in this process, for nothing has to run."""
    if remote := _reach_remote():
        return remote

    from setupdesk.supervisor import find_desk

    settings = load_settings()
    if inline or find_desk(settings) is None:
        return _open_here(settings)

    from setupdesk.client import connect

    return connect(settings, Door.CLI)


def reach_running_desk() -> "Client":
    """Reach the desk that runs; if none does, start one in the background and say so."""
    if remote := _reach_remote():
        return remote

    from setupdesk.client import connect
    from setupdesk.supervisor import find_desk, start_detached

    settings = load_settings()
    if find_desk(settings) is None:
        say("No desk is running, so one is started in the background: `setupdesk down` stops it.")
        start_detached(settings)
    return connect(settings, Door.CLI)


@dataclass(frozen=True, slots=True)
class Remote:
    """The desk that the command line names, instead of the one in the home."""

    server: Server
    insecure: bool


_REMOTE: ContextVar[Remote | None] = ContextVar("remote", default=None)


def choose_remote(
    address: str | None, key: str | None, certificate: Path | None, *, insecure: bool
) -> None:
    """Choose the other desk that is meant, by the options or by the environment, if one is."""
    server = find_server(address, key, certificate)
    if server is None and (key or certificate or insecure):
        refuse_usage("--key, --certificate and --insecure go with --server.")
    _REMOTE.set(Remote(server, insecure) if server else None)


def find_remote() -> Remote | None:
    """Find the other desk that this command is for."""
    return _REMOTE.get()


def _reach_remote() -> "Client | None":
    remote = find_remote()
    if remote is None:
        return None

    from setupdesk.client import Client

    at = remote.server
    return Client(
        at.address, at.key, Door.CLI, certificate=at.certificate, insecure=remote.insecure
    )


def _open_here(settings: Settings) -> "InlineDesk":
    from setupdesk.inline import open_inline

    return open_inline(settings, Door.CLI)


@contextmanager
def clear_errors(*, as_json: bool) -> Iterator[None]:
    """Turn an error that the user can understand into words and an exit code."""
    try:
        yield
    except SetupdeskError as error:
        code = EXIT_CODES.get(error.code, REFUSED)
        problems = getattr(error, "problems", ())
        message = "\n".join((str(error), *getattr(error, "__notes__", ())))
        if as_json:
            show_json(
                {
                    "status": "error",
                    "code": error.code,
                    "message": message,
                    "problems": [
                        problem if isinstance(problem, dict) else problem.to_json()
                        for problem in problems
                    ],
                }
            )
        else:
            say(message)
        raise typer.Exit(code) from error


def say(text: str) -> None:
    """Tell the person something; standard output stays free for what was asked for."""
    typer.echo(tell(text), err=True)


def show(text: str) -> None:
    """Print what was asked for, to be read by people."""
    typer.echo(tell(text))


def hand_over(text: str) -> None:
    """Print what was asked for, to be read by programs: it is the same in every language."""
    typer.echo(text)


def show_json(answer: Any) -> None:
    """Print what was asked for as JSON, whose strings drive no terminal."""
    lines = json.dumps(answer, indent=2, ensure_ascii=False).split("\n")
    hand_over("\n".join(escape(line) for line in lines))


def refuse_usage(message: str) -> NoReturn:
    """End with a usage error."""
    say(message)
    raise typer.Exit(USAGE)
