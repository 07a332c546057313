"""The HTTP API: routes, errors in one shape, and the threads that live with the service."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from setupdesk import __version__
from setupdesk.core.errors import (
    DamagedResultError,
    DeskUnavailableError,
    FeedFailedError,
    InvalidRequestError,
    InvalidRuleError,
    KeyConflictError,
    LedgerUnavailableError,
    NotAllowedError,
    NotFinishedError,
    NotFoundError,
    NotWaitingError,
    SetupdeskError,
    UndeliveredError,
    UnsafeUrlError,
    WrongSenderError,
    WrongSignatureError,
)
from setupdesk.core.problem import Problem
from setupdesk.service import (
    audit,
    catalogue,
    channels,
    data,
    health,
    hooks,
    queue,
    repairs,
    runs,
    symbols,
)
from setupdesk.service.bodies import LimitBodies
from setupdesk.service.description import describe
from setupdesk.service.problems import problem_json
from setupdesk.service.security import check_key
from setupdesk.wiring import Desk, dispatching, watching

log = logging.getLogger(__name__)

PREFIX = "/api/v1"

_STATUS: dict[type[SetupdeskError], int] = {
    NotAllowedError: 401,
    WrongSignatureError: 401,
    WrongSenderError: 403,
    NotFoundError: 404,
    NotFinishedError: 409,
    KeyConflictError: 409,
    NotWaitingError: 409,
    DamagedResultError: 500,
    FeedFailedError: 502,
    UndeliveredError: 502,
    UnsafeUrlError: 422,
    DeskUnavailableError: 503,
    LedgerUnavailableError: 503,
}


def create_app(desk: Desk, api_key: str) -> FastAPI:
    """Build the API of *desk*; whoever shows *api_key* may use it."""
    app = FastAPI(title="Setupdesk", version=__version__, lifespan=_live)
    app.state.desk = desk
    app.state.api_key = api_key
    app.include_router(_open_routes(), prefix=PREFIX)
    app.include_router(health.router, prefix=PREFIX)
    app.include_router(hooks.public, prefix=PREFIX)
    for resource in (runs, queue, audit, repairs, catalogue, symbols, data, hooks, channels):
        app.include_router(resource.router, prefix=PREFIX, dependencies=[Depends(check_key)])
    app.add_middleware(LimitBodies, prefix=PREFIX)
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


def _answer_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SetupdeskError)  # noqa: S101 (registered for nothing else)
    problems = error.problems if isinstance(error, InvalidRequestError | InvalidRuleError) else ()
    return problem_json(_STATUS.get(type(error), 422), error.code, str(error), problems)


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


def _answer_http_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 (registered for nothing else)
    answer = problem_json(error.status_code, "http_error", str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _answer_bug(request: Request, error: Exception) -> JSONResponse:
    # The route and not the path, of which a part may be a secret.
    route = getattr(request.scope.get("route"), "path", "no route")
    log.error("a bug at %s %s", request.method, route, exc_info=error)
    return problem_json(500, "bug", "A bug of ours; the service's log has the traceback.", ())
