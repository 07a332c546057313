"""Loaded by schemathesis: how bodies are written whose kinds it does not know."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/toml", "application/yaml")  # type: ignore[untyped-decorator]
def write_text(_context: Any, value: Any) -> bytes:
    return json.dumps(value).encode()
