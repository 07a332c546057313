"""Who asks: the key that a request shows, and the door that it names."""

import hmac
from typing import Annotated

from fastapi import Depends, Header, Request

from setupdesk.core.caller import Caller, Role
from setupdesk.core.errors import NotAllowedError, NotFoundError
from setupdesk.core.run import Door
from setupdesk.wiring import Desk

_CLAIMABLE = {door.value: door for door in (Door.CLI, Door.UI, Door.TELEGRAM, Door.API)}


def check_key(request: Request, authorization: Annotated[str, Header()] = "") -> None:
    """Let nobody pass without the desk's key."""
    wanted = f"Bearer {request.app.state.api_key}".encode()
    if not hmac.compare_digest(authorization.encode(), wanted):
        raise NotAllowedError
    request.state.caller = Caller(user=request.app.state.desk.settings.owner, role=Role.ADMIN)


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
