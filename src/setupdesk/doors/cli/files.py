"""Files that a command writes for its user: whole or not at all, and over nothing by accident."""

import os
from pathlib import Path

from setupdesk.doors.cli.access import refuse_usage


def refuse_to_overwrite(file: Path, word: str) -> None:
    """End with a usage error if *file* exists; *word* is the flag that overwrites it."""
    if file.exists():
        refuse_usage(f"{file} exists already; {word} overwrites it.")


def write_file(file: Path, content: bytes) -> None:
    """Write *file*, or end with a usage error and leave what there was."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        refuse_usage(f"{file} cannot be written: {error.strerror}.")
