"""What may be asked for, over HTTP: setups, rules of the user's own, and timeframes."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from fastapi.responses import StreamingResponse

from setupdesk.service.lines import LINES, stream_lines, with_progress
from setupdesk.service.security import TheCaller, TheDesk

router = APIRouter(tags=["catalogue"])

Yaml = Annotated[str, Body(media_type="application/yaml", max_length=65_536)]


@router.get("/setups")
def list_setups(desk: TheDesk) -> list[dict[str, Any]]:
    """List the setups of the Rule Registry."""
    return desk.rule_desk.setups()


@router.get("/setups/mistakes")
def list_mistakes(desk: TheDesk) -> dict[str, list[str]]:
    """List the user's own rules that cannot be used, with every reason."""
    return desk.rule_desk.mistakes()


@router.get("/setups/{setup_id}")
def show_setup(setup_id: str, desk: TheDesk) -> dict[str, Any]:
    """Give one setup with its rule as published, in words and as YAML."""
    return desk.rule_desk.setup(setup_id)


@router.post("/setups", response_class=StreamingResponse, responses=LINES)
def add_setup(
    yaml: Yaml,
    desk: TheDesk,
    caller: TheCaller,
    *,
    file_name: Annotated[str, Query(max_length=255)] = "the rule",
    dry_run: bool = False,
) -> StreamingResponse:
    """Check the YAML of a rule, put it through the gate and, unless it is a dry run, publish it.

    The answer is lines of JSON: what is done, step by step; the last says what came of it.
    """
    add = partial(desk.rule_desk.add, yaml, file_name, caller.user, dry_run=dry_run)
    return stream_lines(with_progress(lambda note: add(note=note)))


@router.get("/timeframes")
def list_timeframes(desk: TheDesk) -> list[str]:
    """List the timeframes."""
    return desk.queries.timeframes()
