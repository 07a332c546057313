"""The redactor: no secret reaches a log, neither the desk's own nor what looks like anybody's."""

import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

HIDDEN = "***"
LONGEST = 20_000
"""Letters of one text; a traceback has a few thousand."""

DEEPEST = 5
"""Levels of a nested field."""

_NAME = r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[-_ ]?key|auth(?:orization)?)"
_VALUE = r"""(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s,;&"')\]}]+)"""
_NAMES_SECRET = re.compile(rf"(?:.*[-_ .])?{_NAME}", re.IGNORECASE)
_PATTERNS = (
    (re.compile(r"sdk_[\w-]{8,}"), HIDDEN),
    (re.compile(r"whsec_[\w+/=-]{8,}"), HIDDEN),
    (re.compile(r"\d{6,}:[\w-]{30,}"), HIDDEN),
    (re.compile(r"(/hooks/|/link/)[\w-]{20,}"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(bearer|basic)(\s+)[^\s\"',;]+", re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(r"://[^\s/@\"']+@"), f"://{HIDDEN}@"),
    (
        re.compile(rf"({_NAME}[\"']?\s*[=:]\s*){_VALUE}", re.IGNORECASE),
        rf"\1{HIDDEN}",
    ),
)
_HINTS = re.compile(
    r"sdk_|whsec_|\d{6}:|hooks/|link/|bearer|basic|://|pass|pwd|secret|token|api|auth",
    re.IGNORECASE,
)
"""One of these is in all that a pattern can find; most texts have none."""


class Redactor:
    """Hides secrets by value, by the look of a text, and by the name of a field."""

    def __init__(self, secret_files: Iterable[Path]) -> None:
        self._unread = list(secret_files)
        self._secrets: list[str] = []
        self._lock = Lock()

    def clean(self, value: Any, depth: int = 0) -> Any:
        """Make of a value what JSON can carry and anybody may read."""
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case Mapping() if depth < DEEPEST:
                return {
                    self.redact(str(name)): HIDDEN
                    if _NAMES_SECRET.fullmatch(str(name))
                    else self.clean(one, depth + 1)
                    for name, one in value.items()
                }
            case list() | tuple() if depth < DEEPEST:
                return [self.clean(one, depth + 1) for one in value]
            case _:
                return self.redact(str(value))

    def redact(self, text: str) -> str:
        """Give *text* without secrets, cut where it is too long, with whole characters only."""
        for secret in self._load_secrets():
            text = text.replace(secret, HIDDEN)
        if _HINTS.search(text):
            for pattern, replacement in _PATTERNS:
                text = pattern.sub(replacement, text)
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}... and {len(text) - LONGEST:,} letters more"
        return text.encode("utf-8", "backslashreplace").decode()

    def _load_secrets(self) -> list[str]:
        # A key is made when it is first needed, which may be after the first line was written.
        if not self._unread:
            return self._secrets
        with self._lock:
            for file in [each for each in self._unread if each.exists()]:
                whole = file.read_text().strip()
                parts = (whole, whole.partition(":")[2])
                self._secrets += [part for part in parts if len(part) >= 8]
                self._unread.remove(file)
        return self._secrets
