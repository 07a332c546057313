"""Commands as their users give them, each in a process of its own, forked from one that waits.

A start of Python that imports all of the desk takes over a second of processor time, most commands
far less. That a command starts by itself as well is shown where `SETUPDESK` is called, first by
the five lines of the README.
"""

import atexit
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

ROOT = Path(__file__).parents[1]
SETUPDESK = Path(sys.executable).with_name("setupdesk")
OTHERS = re.compile(r"\.(ui|telegram|service|flows|executor|migrations|__main__)(\.|$)")
"""Modules of the other processes, which no command imports."""


def run_command(
    *words: str | Path,
    environment: Mapping[str, str],
    folder: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run the command line in *folder*; gives what it wrote, and its exit code."""
    return _run("setupdesk.doors.cli", words, environment, folder or Path.cwd(), timeout)


def start_command(
    *words: str | Path, environment: Mapping[str, str], folder: Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run the command line as it stands, with all of its start."""
    return subprocess.run(
        [SETUPDESK, *words],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def run_module(
    module: str, *words: str | Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Call the ``main`` of a module with *words*, as ``python -m`` does."""
    return _run(module, words, os.environ, ROOT, timeout)  # noqa: TID251 (passed on)


def _run(
    module: str,
    words: Sequence[str | Path],
    environment: Mapping[str, str],
    folder: Path,
    timeout: float,
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as place:
        told = [Path(place, name) for name in ("stdout", "stderr")]
        order = {
            "module": module,
            "words": [str(word) for word in words],
            "environment": dict(environment),
            "folder": str(folder),
            "told": [str(path) for path in told],
        }
        exit_code = _order(order, timeout)
        stdout, stderr = (path.read_text() for path in told)
    return subprocess.CompletedProcess([module, *words], exit_code, stdout, stderr)


def _order(order: Mapping[str, Any], timeout: float) -> int:
    nursery = _start_nursery()
    assert nursery.stdin
    assert nursery.stdout
    nursery.stdin.write(json.dumps(order) + "\n")
    nursery.stdin.flush()
    if not select.select([nursery.stdout], [], [], timeout)[0]:
        os.killpg(nursery.pid, 9)
        _start_nursery.cache_clear()
        raise subprocess.TimeoutExpired(order["words"], timeout)
    return int(nursery.stdout.readline())


@cache
def _start_nursery() -> subprocess.Popen[str]:
    from tests.conftest import KERNELS, die_with_parent

    nursery = subprocess.Popen(
        [sys.executable, "-c", "from tests.commands import serve; serve()", KERNELS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
        start_new_session=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 (no thread of ours holds a lock)
    )
    atexit.register(nursery.communicate)
    return nursery


def serve() -> None:
    """Carry out one order after the other, each in a child, until there are no more."""
    _import_all()
    for line in sys.stdin:
        child = os.fork()
        if not child:
            _carry_out(**json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 (the answer)


def _import_all() -> None:
    import gc

    import setupdesk
    from setupdesk.adapters.kernel_cache import keep_kernels_in

    keep_kernels_in(Path(sys.argv[1]))
    for module in walk_packages(setupdesk.__path__, "setupdesk."):
        if not OTHERS.search(module.name):
            import_module(module.name)
    gc.freeze()


def _carry_out(
    module: str, words: list[str], environment: dict[str, str], folder: str, told: list[str]
) -> None:
    for number, path in enumerate([os.devnull, *told]):
        opened = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    os.environ.clear()  # noqa: TID251 (as the command finds it)
    os.environ.update(environment)  # noqa: TID251
    os.chdir(folder)
    time.tzset()
    sys.argv = [str(SETUPDESK), *words]
    import_module(module).main()
    sys.exit()
