"""Problems over HTTP: one shape of error answers, as RFC 9457 has it."""

from collections.abc import Iterable
from typing import Any

from fastapi.responses import JSONResponse

from setupdesk.adapters.redactor import Redactor
from setupdesk.core.errors import (
    ChannelBusyError,
    DamagedResultError,
    DeskUnavailableError,
    FeedFailedError,
    InvalidImportError,
    InvalidRequestError,
    InvalidRuleError,
    KeyConflictError,
    LedgerUnavailableError,
    NoLinkError,
    NotAllowedError,
    NotFinishedError,
    NotFoundError,
    NotWaitingError,
    OwnKeyError,
    RoleNeededError,
    SetupdeskError,
    SignInKeyError,
    TooFastError,
    UndeliveredError,
    WrongCodeError,
    WrongLinkError,
    WrongSenderError,
    WrongSignatureError,
)
from setupdesk.core.problem import Problem

PROBLEM_JSON = "application/problem+json"

_REDACTOR = Redactor(())


def problem_json(
    status: int, code: str, detail: str, problems: Iterable[Problem] = (), **more: Any
) -> JSONResponse:
    """Build an error answer in the shape of RFC 9457, with what *more* there is to say."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": code,
        "status": status,
        "detail": detail,
        "problems": [problem.to_json() for problem in problems],
        **more,
    }
    # What was sent stands in some messages, and may have been a secret in the wrong place.
    return JSONResponse(_REDACTOR.clean(body), status, media_type=PROBLEM_JSON)


_STATUS: dict[type[SetupdeskError], int] = {
    NotAllowedError: 401,
    WrongSignatureError: 401,
    RoleNeededError: 403,
    WrongCodeError: 403,
    WrongLinkError: 403,
    WrongSenderError: 403,
    NotFoundError: 404,
    NotFinishedError: 409,
    KeyConflictError: 409,
    NotWaitingError: 409,
    OwnKeyError: 409,
    SignInKeyError: 409,
    NoLinkError: 409,
    ChannelBusyError: 409,
    TooFastError: 429,
    DamagedResultError: 500,
    FeedFailedError: 502,
    UndeliveredError: 502,
    DeskUnavailableError: 503,
    LedgerUnavailableError: 503,
}

_WITH_PROBLEMS = InvalidRequestError | InvalidRuleError | InvalidImportError


def answer_error(error: SetupdeskError) -> JSONResponse:
    """Build the answer to an error that a user can understand."""
    problems = error.problems if isinstance(error, _WITH_PROBLEMS) else ()
    answer = problem_json(_STATUS.get(type(error), 422), error.code, str(error), problems)
    if isinstance(error, NotAllowedError):
        answer.headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooFastError):
        answer.headers["Retry-After"] = str(error.retry_after)
    return answer
