"""Problems over HTTP: one shape of error answers, as RFC 9457 has it."""

from collections.abc import Iterable
from typing import Any

from fastapi.responses import JSONResponse

from setupdesk.core.problem import Problem

PROBLEM_JSON = "application/problem+json"


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
    return JSONResponse(body, status, media_type=PROBLEM_JSON)
