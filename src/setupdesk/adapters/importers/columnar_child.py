"""The child that parses Parquet and Feather: a broken file may kill polars, and only it dies.

Run by ``columnar`` as a script of its own: bytes come in, a table of plain columns goes out.
"""

import sys
from io import BytesIO

import polars as pl
from polars import selectors

_MAX_ROWS = 50_000_000


def _main() -> None:
    content = BytesIO(sys.stdin.buffer.read())
    is_parquet = content.getvalue().startswith(b"PAR1")
    parse = pl.read_parquet if is_parquet else pl.read_ipc
    table = parse(content, n_rows=_MAX_ROWS)
    plain = table.select(selectors.numeric() | selectors.temporal() | selectors.string())
    answer = BytesIO()
    plain.write_ipc_stream(answer)
    sys.stdout.buffer.write(answer.getvalue())


if __name__ == "__main__":
    _main()
