"""Secrets of the desk: made at first need, readable by its owner only."""

import os
import re
import secrets
from pathlib import Path

_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}")
"""256 random bits, as they are written."""


def load_secret(path: Path, prefix: str) -> str:
    """Give the secret in *path*; make it, as *prefix* and 256 random bits, if there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(prefix + secrets.token_urlsafe(32))

        # A link is made whole or not at all, and never over the secret of a faster process.
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()


def find_secret_fault(path: Path, prefix: str) -> str:
    """Say why the secret in *path* must not be used, and how to mend that; empty if it may."""
    if not path.exists():
        return ""
    if path.stat().st_mode & 0o077:
        return (
            f"{path} can be read by others, who may know it by now: delete the file, and the next "
            f"start makes a new secret, for its owner only"
        )
    found = path.read_text(errors="replace")
    if not (found.startswith(prefix) and _RANDOM.fullmatch(found.removeprefix(prefix))):
        return (
            f"{path} holds no secret that nobody guesses ({prefix} and 43 random letters): delete "
            f"the file, and the next start makes a new one"
        )
    return ""
