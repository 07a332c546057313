"""The API described as OpenAPI has it: what may be asked, and every kind of answer."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from setupdesk.app.adopter import build_parameters
from setupdesk.core.offer import Offer
from setupdesk.core.run import Door
from setupdesk.service.problems import PROBLEM_JSON
from setupdesk.service.security import ROLE, find_role

OPEN = ("/ping", "/version", "/hooks/{token}")
"""What needs no key, or has one of its own in its path; ``/health`` says more to who has it."""


STARTS = ("/runs", "/rerun", "/hooks/{token}")
"""What answers with a Receipt."""

Schema = dict[str, Any]


def describe(app: FastAPI, offer: Offer) -> Schema:
    """Describe *app*; the ids of setups and symbols are those that *offer* has now."""
    found = get_openapi(title=app.title, version=app.version, routes=app.routes)
    for path, method, operation in _list_operations(found):
        _ask_for_key(path, operation)
        if operation.get("security"):
            operation[ROLE] = find_role(method.upper(), operation)
        _declare_answers(path, operation, starts=method == "post" and path.endswith(STARTS))
    schemas = found["components"]["schemas"]
    for theirs in ("HTTPValidationError", "ValidationError"):
        schemas.pop(theirs, None)
    schemas |= {"Problem": _PROBLEM, "Error": _ERROR, "Receipt": _RECEIPT}
    schemas["Payload"] = _describe_payload(offer)
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return found


def _list_operations(found: Schema) -> Iterator[tuple[str, str, Schema]]:
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def _ask_for_key(path: str, operation: Schema) -> None:
    if path.endswith("/health"):
        operation["security"] = [{}, {"key": []}]
    elif not path.endswith(OPEN):
        operation["security"] = [{"key": []}]


def _declare_answers(path: str, operation: Schema, *, starts: bool) -> None:
    answers = operation["responses"]
    for status in _list_errors(path, operation):
        answers.setdefault(status, {"description": HTTPStatus(int(status)).phrase})
    for status, answer in answers.items():
        if not status.startswith("2"):
            is_receipt = starts and status in ("422", "429")
            answer["content"] = _refer("Receipt") if is_receipt else _refer("Error", PROBLEM_JSON)
    if "202" in answers and starts:
        answers["202"]["content"] = _refer("Receipt")
    if answers.get("422", {}).get("description") == "Validation Error":
        answers["422"]["description"] = "Refused, with every Problem"


def _list_errors(path: str, operation: Schema) -> Iterator[str]:
    """List what any route of this kind may answer, beside what it says itself."""
    # Another host than ours, and a ledger that cannot be read or written now.
    yield from ("403", "421", "429", "503")
    if operation.get("security"):
        yield "401"
    if "{" in path:
        yield "404"
    if operation.get("requestBody"):
        # A sender that went away, and bodies of a kind, a length or a shape that is not taken.
        yield from ("400", "413", "415", "422")


def _refer(name: str, media_type: str = "application/json") -> Schema:
    return {media_type: {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _describe_payload(offer: Offer) -> Schema:
    payload = build_parameters(offer)
    fields = {
        name: {key: value for key, value in field.items() if key not in ("position", "title")}
        for name, field in payload["properties"].items()
    }
    enough = [{"required": payload["required"]}, {"required": ["watch"]}]
    rest = {key: value for key, value in payload.items() if key != "required"}
    return rest | {"title": "Payload", "properties": fields | _OF_WATCH, "anyOf": enough}


_OF_WATCH: Schema = {
    "watch": {
        "type": "string",
        "description": "A watch, beside nothing but mode and a period: poll it, or compare it",
    }
}


def _record(fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(fields)}


_TEXT, _TEXT_OR_NULL = {"type": "string"}, {"type": ["string", "null"]}
_PROBLEMS = {"type": "array", "items": {"$ref": "#/components/schemas/Problem"}}

_PROBLEM = _record(
    {
        "field": _TEXT,
        "code": _TEXT,
        "message": _TEXT,
        "allowed": {"type": "array", "items": _TEXT},
        "suggestion": _TEXT_OR_NULL,
    }
)
_ERROR = _record(
    {
        "type": _TEXT,
        "title": {"type": "string", "description": "The code of the error"},
        "status": {"type": "integer"},
        "detail": _TEXT,
        "problems": _PROBLEMS,
    }
)
_RECEIPT = _record(
    {
        "status": {"type": "string", "enum": ["accepted", "refused"]},
        "run_id": _TEXT_OR_NULL,
        "request": {"type": "object"},
        "timestamp": {"type": "string", "format": "date-time"},
        "flow_type": _TEXT_OR_NULL,
        "user": _TEXT,
        "door": {"type": "string", "enum": [door.value for door in Door]},
        "problems": _PROBLEMS,
    }
)
