"""Archives of a desk: one gzipped tar, whose last member names the sha256 of all the others."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import IO, Literal

from pydantic import BaseModel

CONTENTS = "backup.json"

Count = Callable[[int], None]
"""Is told of each few bytes that were read."""


class Contents(BaseModel, frozen=True):
    """What is in an archive; its last member."""

    format: Literal[1] = 1
    setupdesk: str
    """Version that made it."""

    made_at: datetime
    ledger: str
    """Newest migration of its ledger."""

    bars: bool
    members: dict[str, str] = {}
    """The sha256 of each file."""


def create_private(path: Path) -> IO[bytes]:
    """Create a file that is its owner's alone; raises if there is one."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
