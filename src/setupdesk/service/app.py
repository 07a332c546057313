"""The HTTP API: routes, errors in one shape, and the threads that live with the service."""

import logging
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from typing import Any

from anyio import CapacityLimiter
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

from setupdesk import __version__
from setupdesk.core.errors import SetupdeskError
from setupdesk.core.problem import Problem
from setupdesk.service import (
    audit,
    catalogue,
    channels,
    data,
    events,
    health,
    hooks,
    keys,
    queue,
    repairs,
    runs,
    saved,
    schedules,
    sign_in_links,
    symbols,
    system,
    telegram,
    watches,
)
from setupdesk.service.bodies import LimitBodies
from setupdesk.service.description import describe
from setupdesk.service.gate import Gate
from setupdesk.service.hosts import SECURITY_HEADERS, GuardHosts
from setupdesk.service.language import SpeakLanguages
from setupdesk.service.pace import Pace
from setupdesk.service.problems import answer_error, problem_json
from setupdesk.service.security import check_role
from setupdesk.wiring.desk import Desk
from setupdesk.wiring.works import dispatching, watching

log = logging.getLogger(__name__)

PREFIX = "/api/v1"


def create_app(desk: Desk) -> FastAPI:
    """Build the API of *desk*, for whoever has a key that it knows."""
    # The pages of FastAPI load their scripts from other hosts; the description wants the key.
    app = FastAPI(
        title="Setupdesk",
        version=__version__,
        lifespan=_live,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.desk = desk
    app.state.streams = events.Streams()
    app.state.codes = Pace()
    app.state.outward = CapacityLimiter(channels.MOST_OUTWARD)
    opened = (_open_routes(), health.router, hooks.public)
    shown = (runs, events, queue, audit, keys, repairs, system, catalogue, symbols, data)
    looked = (*shown, saved, hooks, channels, schedules, watches, telegram, sign_in_links)
    closed = (
        *(each.router for each in looked),
        data.pushed,
        watches.alerts,
        _description_route(app),
    )
    for router in opened:
        app.include_router(router, prefix=PREFIX)
    for router in closed:
        app.include_router(router, prefix=PREFIX, dependencies=[Depends(check_role)])
    app.state.patterns = _list_patterns((*opened, *closed))
    app.add_middleware(LimitBodies, prefix=PREFIX)
    app.add_middleware(Gate, desk=desk, prefix=PREFIX)
    app.add_middleware(SpeakLanguages)
    app.add_middleware(GuardHosts, names=desk.settings.listening.names)
    app.openapi = lambda: describe(app, desk.start.build_offer())  # type: ignore[method-assign]
    app.add_exception_handler(SetupdeskError, _answer_error)
    app.add_exception_handler(RequestValidationError, _answer_wrong_shape)
    app.add_exception_handler(HTTPException, _answer_http_error)
    app.add_exception_handler(Exception, _answer_bug)
    return app


@asynccontextmanager
async def _live(app: FastAPI) -> AsyncIterator[None]:
    desk = app.state.desk
    with closing(desk), dispatching(desk), watching(desk) as app.state.show_health:
        yield


def _open_routes() -> APIRouter:
    router = APIRouter(tags=["desk"])

    @router.get("/ping")
    def ping() -> dict[str, str]:
        """Say that the service is there."""
        return {"status": "pong"}

    @router.get("/version")
    def version() -> dict[str, str]:
        """Give the version of the desk."""
        return {"version": __version__}

    return router


def _description_route(app: FastAPI) -> APIRouter:
    router = APIRouter(tags=["desk"])

    @router.get("/openapi.json")
    def describe_api() -> dict[str, Any]:
        """Describe the API, with the setups and symbols that there are now."""
        return app.openapi()

    return router


def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SetupdeskError)  # noqa: S101 (registered for nothing else)
    return answer_error(error)


def _answer_wrong_shape(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 (registered for nothing else)
    problems = [
        Problem(
            field=".".join(str(part) for part in fault["loc"]),
            code=fault["type"],
            message=fault["msg"],
        )
        for fault in error.errors()
    ]
    return problem_json(422, "invalid_request", "The request has the wrong shape.", problems)


def _answer_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for nothing else)
    answer = problem_json(error.status_code, "http_error", str(error.detail))
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["Allow"] = ", ".join(sorted(_find_methods(request)))
    return answer


def _find_methods(request: Request) -> set[str]:
    """Find what a path answers to: the routes of the first pattern that it fits."""
    path, patterns = request.scope["path"], request.app.state.patterns
    fitting = next((pattern for pattern in patterns if pattern.fullmatch(path)), None)
    return patterns[fitting] if fitting else set()


def _list_patterns(routers: Iterable[APIRouter]) -> dict[re.Pattern[str], set[str]]:
    patterns: dict[re.Pattern[str], set[str]] = {}
    routes = [one for router in routers for one in router.routes if isinstance(one, APIRoute)]
    for route in routes:
        pattern = compile_path(PREFIX + route.path)[0]
        patterns.setdefault(pattern, set()).update(route.methods or ())
    return patterns


def _answer_bug(request: Request, error: Exception) -> JSONResponse:
    # The route and not the path, of which a part may be a secret.
    route = getattr(request.scope.get("route"), "path", "no route")
    log.error("a bug at %s %s", request.method, route, exc_info=error)
    answer = problem_json(500, "bug", "A bug of ours; the service's log has the traceback.")
    answer.headers.update(SECURITY_HEADERS)
    return answer
