"""Who asks: the caller that the gate has found, what the role allows, and the door it names."""

from typing import Annotated

from fastapi import Depends, Header, Request

from setupdesk.core.caller import Caller, Role
from setupdesk.core.errors import NotFoundError, RoleNeededError
from setupdesk.core.run import Door
from setupdesk.wiring.desk import Desk

_CLAIMABLE = {door.value: door for door in (Door.CLI, Door.UI, Door.TELEGRAM, Door.API)}

ROLE = "x-role"
"""What a route says, in its description, of the role that it takes."""

ADMIN = {ROLE: Role.ADMIN.value}
"""For a route that is for admins only."""

ANY = {ROLE: Role.VIEWER.value}
"""For a route that changes nothing, although it is asked by POST."""


def find_role(method: str, described: dict[str, str] | None) -> Role:
    """Find the role that a route takes: what it says, else viewer to look, trader to change."""
    usual = Role.VIEWER if method == "GET" else Role.TRADER
    return Role((described or {}).get(ROLE, usual))


def check_role(request: Request) -> None:
    """Let nobody pass whose role does not do."""
    caller = get_caller(request)
    needed = find_role(request.method, request.scope["route"].openapi_extra)
    if not caller.role.covers(needed):
        raise RoleNeededError(needed, caller.role)


def need_admin(caller: Caller) -> None:
    """Let nobody pass but an admin, where a route takes one for a part of what it does."""
    if not caller.role.covers(Role.ADMIN):
        raise RoleNeededError(Role.ADMIN, caller.role)


def find_door(setupdesk_door: Annotated[str, Header()] = Door.API) -> Door:
    """Read which of our own doors sent the request; any other program came by the API."""
    return _CLAIMABLE.get(setupdesk_door, Door.API)


def get_desk(request: Request) -> Desk:
    """Give the desk that the application serves."""
    desk: Desk = request.app.state.desk
    return desk


def get_caller(request: Request) -> Caller:
    """Give who asks."""
    caller: Caller = request.state.caller
    return caller


TheDesk = Annotated[Desk, Depends(get_desk)]
TheDoor = Annotated[Door, Depends(find_door)]
TheCaller = Annotated[Caller, Depends(get_caller)]


def find_own_run(run_id: str, desk: TheDesk, caller: TheCaller) -> str:
    """Find a run of the path; one of somebody else is as one that there is not."""
    if not caller.may_see(desk.queries.run_owner(run_id)):
        raise NotFoundError("run", run_id)
    return run_id


OwnRun = Annotated[str, Depends(find_own_run)]
