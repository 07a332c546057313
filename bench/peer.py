"""Peers: other engines, each in an environment of its own under ``.bench``.

None of them is a dependency of the desk: their licences are AGPL, or forbid to sell.
"""

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench.market import write_for_peer
from setupdesk.market.bars import Bars

HERE = Path(__file__).parent
ENVIRONMENTS = HERE.parent / ".bench"


def build_environment(name: str) -> Path:
    """Give the interpreter of a peer, and build its environment if it is not there."""
    python = ENVIRONMENTS / name / "bin/python"
    ready = ENVIRONMENTS / name / ".ready"
    wanted = (HERE / f"peers/requirements-{name}.txt").read_text()
    if not ready.exists() or ready.read_text() != wanted:
        print(f"building the environment of {name} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        file = str(HERE / f"peers/requirements-{name}.txt")
        subprocess.run([*pip, "--no-deps", "-r", file], check=True)
        ready.write_text(wanted)
    return python


def ask_peer(name: str, script: str, bars: Bars, columns: Mapping[str, Any]) -> dict[str, Any]:
    """Run *script* in the environment of a peer on *bars* and *columns*; give what it wrote."""
    python = build_environment(name)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "given.npz", Path(folder) / "found.npz"
        write_for_peer(source, bars, **columns)
        subprocess.run([python, HERE / f"peers/{script}.py", source, target], check=True)
        return dict(np.load(target))
