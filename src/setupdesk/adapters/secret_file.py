"""Secrets of the desk: made at first need, readable by its owner only."""

import os
import secrets
from pathlib import Path


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
