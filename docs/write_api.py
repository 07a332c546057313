"""Write the reference in docs/api.md from docs/openapi.json and docs/curl_lines.toml.

What stands above the mark is written by hand, and stays.
"""

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PAGE = FOLDER / "api.md"
PREFIX = "/api/v1"
MARK = "\n<!-- From here on written by `make openapi`, from openapi.json and curl_lines.toml. -->\n"
METHODS_WITHOUT_BODY = ("GET", "HEAD", "DELETE")


@dataclass(frozen=True, slots=True)
class Line:
    """An example of a route."""

    said: str
    status: str
    """The answer that a test gets, where that is none of the right ones; else empty."""


def load_lines() -> dict[str, Line]:
    """Read the examples: a line for each method and path."""
    stored: dict[str, str] = tomllib.loads((FOLDER / "curl_lines.toml").read_text())
    split = ((*key.split(" "), "")[:3] for key in stored)
    return {
        f"{method} {path}": Line(said.strip(), status)
        for (method, path, status), said in zip(split, stored.values(), strict=True)
    }


def load_operations() -> dict[str, dict[str, Any]]:
    """Read every route of the description: what is said of each method and path."""
    described = json.loads((FOLDER / "openapi.json").read_text())
    return {
        f"{method.upper()} {path.removeprefix(PREFIX)}": operation
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }


def write_curl(route: str, operation: dict[str, Any], line: Line) -> str:
    """Write the whole curl line of a route; DESK is the address of the API, KEY a key."""
    method, _ = route.split(" ")
    path, _, arguments = line.said.partition(" ")
    inferred = "POST" if " --json" in line.said or " --data" in line.said else "GET"
    words = [
        "curl",
        '-H "Authorization: Bearer $KEY"' if operation.get("security") else "",
        f"-X {method}" if method != inferred else "",
        f'"$DESK{path}"',
        arguments,
    ]
    return " ".join(word for word in words if word)


def write_page() -> str:
    """Write the page anew."""
    by_hand = PAGE.read_text().partition(MARK)[0].rstrip("\n")
    schemas = json.loads((FOLDER / "openapi.json").read_text())["components"]["schemas"]
    lines, parts = load_lines(), list[str]()
    for route, operation in load_operations().items():
        parts += ["", *_write_route(route, operation, lines.get(route), schemas)]
    return "\n".join([by_hand, MARK, *_PREFACE, *parts, ""])


_PREFACE = [
    "## Every route",
    "",
    "In the examples, `DESK` is the address with `/api/v1`, and `KEY` a key; `RUN` is a completed",
    "run, `WAITING` one that waits; `KEY_ID`, `HOOK`, `WATCH` and `CHANNEL` are ids that the lists",
    "give, `TOKEN` ends the address of a hook, and `RECEIVER` is one of yours for webhooks.",
    "",
    "```sh",
    "export DESK=http://127.0.0.1:8750/api/v1 KEY=$(cat ~/.setupdesk/api.key)",
    "export RUN=run_2025_10_31_001 WAITING=run_2025_10_31_002",
    "```",
    "",
    "Any route may also answer 401 and 403 (the key), 421 and 403 (another host or site), 429 (too",
    "fast), 503 (the ledger), 404 (what the path names), and 400, 413, 415 and 422 (the body).",
]


def _write_route(
    route: str, operation: dict[str, Any], line: Line | None, schemas: dict[str, Any]
) -> Iterator[str]:
    yield f"### `{route}`"
    yield ""
    yield f"{' '.join(operation['description'].split())} {_tell_role(operation)}"
    yield from _write_parameters(operation.get("parameters", []))
    if body := operation.get("requestBody"):
        kinds = (_tell_body(kind, said, schemas) for kind, said in body["content"].items())
        yield from ("", f"Body: {'; or '.join(kinds)}.")
    yield from ("", f"Answers: {', '.join(_tell_answers(operation['responses']))}.")
    if line:
        yield from ("", "```sh", write_curl(route, operation, line), "```")


def _tell_role(operation: dict[str, Any]) -> str:
    security = operation.get("security")
    if not security:
        return "Needs no key."
    if {} in security:
        return "Says more with a key."
    return f"Needs the role *{operation['x-role']}*."


def _write_parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if parameters:
        yield from ("", "| parameter | in | what |", "|---|---|---|")
    for one in parameters:
        said = [_tell_type(one["schema"]), one.get("description", "")]
        said += ["required"] * (one["required"] and one["in"] != "path")
        yield f"| `{one['name']}` | {one['in']} | {'; '.join(word for word in said if word)} |"


def _tell_type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        kinds = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return " or ".join(_tell_type(one) for one in kinds)
    if schema.get("type") == "array":
        return f"several of: {_tell_type(schema['items'])}"
    bounds = [
        f"{word} {schema[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("default", "else"))
        if schema.get(key) is not None
    ]
    return " ".join([schema.get("type", "anything"), *bounds])


def _tell_body(kind: str, said: dict[str, Any], schemas: dict[str, Any]) -> str:
    name = said.get("schema", {}).get("$ref", "").rpartition("/")[2]
    fields = schemas.get(name, said.get("schema", {})).get("properties", {})
    named = f" with {', '.join(f'`{field}`' for field in fields)}" if fields else ""
    return f"`{kind}`{named}"


def _tell_answers(responses: dict[str, Any]) -> Iterator[str]:
    for status, answer in responses.items():
        description = answer["description"].rstrip(".")
        if description == "Successful Response":
            yield status
        elif description != HTTPStatus(int(status)).phrase:
            yield f"{status} ({description[0].lower()}{description[1:]})"


if __name__ == "__main__":
    PAGE.write_text(write_page())
