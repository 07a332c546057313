import json
import os
import subprocess
import sys
from pathlib import Path

from tests.detectors.finders import digests

ROOT = Path(__file__).parents[2]
TELL = "import json; from tests.detectors.finders import digests; print(json.dumps(digests()))"


def test_compiled_kernels_and_plain_python_find_the_same_byte_for_byte() -> None:
    plain = {"NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(ROOT), "PATH": os.defpath}

    told = subprocess.run(
        [sys.executable, "-c", TELL], env=plain, cwd=ROOT, capture_output=True, check=True
    )

    assert json.loads(told.stdout) == digests()
