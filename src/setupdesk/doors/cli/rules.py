"""Look at setups, and take in rules of the user's own."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from setupdesk.core.errors import SetupdeskError
from setupdesk.doors.cli.access import (
    REFUSED,
    hand_over,
    reach_desk,
    refuse_usage,
    say,
    show_json,
)
from setupdesk.doors.cli.showing import show_table
from setupdesk.setups.template import fill_template
from setupdesk.setups.versions import find_next

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}")
_VERSION = re.compile(r"_v[1-9][0-9]*$")
_INVALID = "invalid_rule"
_OUTCOMES = {
    "added": "published",
    "unchanged": "published, as it was before",
}


def show_setups(*, as_json: bool) -> None:
    """List the setups, and the user's own files that cannot be used."""
    desk = reach_desk()
    found = desk.setups()
    if as_json:
        show_json(found)
        return
    rows = [
        (
            setup["setup_id"],
            setup["title"]["en"],
            " ".join(setup["timeframes"]),
            "yes" if setup["own"] else "",
            "\n".join(_tell_params(setup)),
        )
        for setup in found
    ]
    show_table(("setup", "what it is", "timeframes", "own", "--set"), rows, "No setups.")
    for file_name, reasons in desk.setup_mistakes().items():
        say(f"{file_name} cannot be used: {'; '.join(reasons)}")


def show_setup(setup_id: str, *, form: str) -> None:
    """Show a setup in words, as JSON, or as the YAML it was read from."""
    found = reach_desk().setup(setup_id)
    if form == "yaml":
        hand_over(found["yaml"].rstrip("\n"))
    elif form == "json":
        show_json(found)
    else:
        _show_details(found)


def add_setup(file: Path, *, dry_run: bool, as_json: bool) -> None:
    """Check a rule, put it through the gate and, unless it is a dry run, publish it."""
    text = file.read_text("utf-8", errors="replace")
    desk = reach_desk()
    with _showing_progress() as watch, _telling_mistakes(file.name, as_json=as_json):
        answer = desk.add_setup(text, file.name, dry_run=dry_run, watch=watch)
    if as_json:
        show_json(answer)
    else:
        _show_details(answer)
        for sentence in answer["gate"]["sentences"]:
            say(sentence)
        say(f"{file.name}: {answer['setup_id']} {_tell_outcome(answer)}.")
    if dry_run and answer["gate"]["never_traded"]:
        raise typer.Exit(REFUSED)


def _tell_outcome(answer: Mapping[str, Any]) -> str:
    gate = answer["gate"]
    if answer["outcome"] in _OUTCOMES:
        return f"is {_OUTCOMES[answer['outcome']]}"
    if gate["passed"]:
        return "is sound"
    if gate["never_traded"]:
        return "has no mistake in its words, but it never traded"
    return "has no mistake that shows, but it could not be judged"


def write_template(name: str, *, to_stdout: bool, as_json: bool) -> None:
    """Write a rule that works and says in comments what may stand where."""
    if not _NAME.fullmatch(name):
        refuse_usage(f"The name was {name!r}; it is letters, digits and _, such as my_raid.")
    setup_id = name if _VERSION.search(name) else f"{name}_v1"
    _check_free(setup_id)
    text = fill_template(setup_id)
    file = Path(f"{setup_id}.yaml")
    if to_stdout:
        hand_over(text.rstrip("\n"))
        return
    try:
        with file.open("x", encoding="utf-8") as new:
            new.write(text)
    except FileExistsError:
        refuse_usage(f"{file} is there already; choose another name.")
    if as_json:
        show_json({"setup_id": setup_id, "file": str(file.resolve())})
    else:
        say(f"{file} is written. `setupdesk setups check {file}` says whether it is sound.")


def _check_free(setup_id: str) -> None:
    desk = reach_desk()
    taken = {setup["setup_id"]: setup["own"] for setup in desk.setups()}
    by_hand = {Path(file_name).stem for file_name in desk.setup_mistakes()}
    if setup_id in taken:
        whose = "published already" if taken[setup_id] else "one that ships with the desk"
        following = find_next(setup_id, {*taken, *by_hand})
        refuse_usage(f"{setup_id} is {whose}: `setupdesk setups new {following}` is the next.")


@contextmanager
def _telling_mistakes(file_name: str, *, as_json: bool) -> Iterator[None]:
    # One mistake a line is easier to work through than one sentence with all of them.
    try:
        yield
    except SetupdeskError as error:
        if as_json or error.code != _INVALID:
            raise
        problems = [_as_mapping(one) for one in getattr(error, "problems", ())]
        say("\n".join([f"{file_name}:", *(f"  {one['message']}" for one in problems)]))
        raise typer.Exit(REFUSED) from error


def _as_mapping(problem: Any) -> Mapping[str, Any]:
    # From a running desk it is JSON already.
    told: Mapping[str, Any] = problem if isinstance(problem, Mapping) else problem.to_json()
    return told


@contextmanager
def _showing_progress() -> "Iterator[Any]":
    console = Console(stderr=True)
    told = set[str]()
    with console.status("") as line:

        def watch(stage: str, done: int, total: int) -> None:
            line.update(f"{stage}  {done:,} of {total:,}")
            if stage not in told and not console.is_terminal:
                told.add(stage)
                say(stage)

        yield watch


def _show_details(found: Mapping[str, Any]) -> None:
    description = found["description"]
    rows = [
        ("setup", found["setup_id"]),
        ("what it is", found["title"]["en"]),
        *([("", description["en"])] if description else []),
        *((word, text) for word, text in found["words"]),
        ("--set", "\n".join(_tell_params(found)) or "nothing"),
        ("published", _tell_publication(found)),
        ("hash", found["hash"]),
    ]
    show_table(("", ""), rows, "")


def _tell_publication(found: Mapping[str, Any]) -> str:
    if found["own"]:
        return "yes, of your own"
    return "no" if "outcome" in found else "yes, it ships with the desk"


def _tell_params(setup: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}={param['default']}  ({', '.join(param['allowed'])})"
        for name, param in setup["params"].items()
    ]
