"""Where compiled kernels are kept, so that only the first start of a desk compiles."""

import hashlib
from pathlib import Path

import numba

import setupdesk


def keep_kernels_in(folder: Path) -> None:
    """Keep compiled kernels in *folder*; has to be called before the engine is imported.

    Numba reads what it kept before it sees that the source has changed, and fails if a type
    is gone by then. So each version of the sources has a folder of its own.
    """
    digest = hashlib.sha256()
    package = Path(setupdesk.__file__).parent
    for source in sorted([*package.glob("detectors/*.py"), *package.glob("engine/*.py")]):
        digest.update(source.read_bytes())
    numba.config.CACHE_DIR = str(  # type: ignore[attr-defined]
        folder / digest.hexdigest()[:16]
    )
