"""Stored bars over HTTP: everything that the data desk does."""

from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Body, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import WithJsonSchema
from starlette.concurrency import run_in_threadpool

from setupdesk.adapters.feeds.push import PushedBar
from setupdesk.adapters.parcel import check_size
from setupdesk.app.bar_pages import MOST_BARS
from setupdesk.market.data_set import ExportForm
from setupdesk.market.feed import GRID
from setupdesk.service.delivery import TheObject
from setupdesk.service.lines import LINES, stream_lines
from setupdesk.service.security import ADMIN, TheCaller, TheDesk, need_admin

router = APIRouter(prefix="/data", tags=["data"])

Form = Annotated[str, WithJsonSchema({"type": "string", "enum": list(get_args(ExportForm))})]

# A symbol may have a slash in it, as EUR/USD: paths that say more stand before those that do not.


@router.get("")
def list_data_sets(desk: TheDesk) -> list[dict[str, Any]]:
    """List the stored bars."""
    return desk.data_desk.data_sets()


@router.get("/{symbol:path}/quality")
def measure_quality(
    symbol: str, desk: TheDesk, timeframe: str | None = None
) -> list[dict[str, Any]]:
    """Measure a data set, or all of a symbol."""
    return desk.data_desk.quality(symbol, timeframe)


@router.get("/{symbol:path}/{timeframe}/coverage")
def measure_coverage(symbol: str, timeframe: str, desk: TheDesk) -> dict[str, Any]:
    """Give as columns how many bars each session should have, and how many of them it has."""
    return desk.data_desk.coverage(symbol, timeframe)


@router.get(
    "/{symbol:path}/{timeframe}/export",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}},
)
def export_bars(symbol: str, timeframe: str, desk: TheDesk, form: Form = "csv") -> Response:
    """Give the bars as a file: csv, csv.gz or parquet."""
    content = desk.data_desk.export_bars(symbol, timeframe, form)
    return Response(content, media_type="application/octet-stream")


@router.get("/{symbol:path}/{timeframe}/levels")
def find_levels(  # noqa: PLR0913 (the query's own parts)
    symbol: str,
    timeframe: str,
    desk: TheDesk,
    *,
    window: str = "initial_balance",
    start: str | None = None,
    end: str | None = None,
) -> dict[str, Any]:
    """Follow a named window through the sessions."""
    return desk.data_desk.levels(symbol, timeframe, window, start, end)


@router.get("/{symbol:path}/{timeframe}/bars", response_model=dict[str, Any])
def show_bars(  # noqa: PLR0913 (the query's own parts)
    symbol: str,
    timeframe: str,
    desk: TheDesk,
    *,
    start: Annotated[str | None, Query(description="First market date, YYYY-MM-DD")] = None,
    end: Annotated[str | None, Query(description="Last market date, inclusive")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_BARS)] = 5_000,
    cursor: Annotated[str | None, Query(description="The next_cursor of the page before")] = None,
) -> JSONResponse:
    """Give the last bars of a period as columns, oldest first, and a cursor for earlier ones."""
    # Written as it is: to check a hundred thousand numbers once more takes its time.
    return JSONResponse(
        desk.show_bars(symbol, timeframe, start=start, end=end, limit=limit, cursor=cursor)
    )


@router.get("/{symbol:path}/{timeframe}")
def show_data_set(symbol: str, timeframe: str, desk: TheDesk) -> dict[str, Any]:
    """Describe one data set and its versions."""
    return desk.data_desk.data_set(symbol, timeframe)


@router.delete("/{symbol:path}/{timeframe}", openapi_extra=ADMIN)
def delete_bars(symbol: str, timeframe: str, desk: TheDesk, caller: TheCaller) -> dict[str, Any]:
    """Delete a data set with all its versions."""
    return desk.data_desk.delete_bars(symbol, timeframe, caller.user)


FILE_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
"""What the API's own description says of the body, which is read here and not by FastAPI."""


@router.post(
    "/import",
    responses={404: {"description": "There is no such symbol or timeframe"}},
    openapi_extra=FILE_BODY,
)
async def import_bars(  # noqa: PLR0913, PLR0917 (all that a user may say of a file)
    symbol: Annotated[str, Query(max_length=64)],
    timeframe: Annotated[str, Query(max_length=64)],
    file_name: Annotated[str, Query(max_length=1024)],
    desk: TheDesk,
    caller: TheCaller,
    request: Request,
    clock: Annotated[str | None, Query(max_length=64)] = None,
    *,
    accept_clock: bool = False,
    stamped_at: Literal["open", "close"] | None = None,
    source: Annotated[str | None, Query(max_length=64)] = None,
    folder: bool = False,
    replace: bool = False,
    dry_run: bool = False,
) -> dict[str, Any]:
    """Import the file that is the request's body, or the folder that it holds as a zip archive.

    To replace bars takes an admin: they are everybody's. A dry run stores nothing, and says what
    the file is.
    """
    if replace:
        need_admin(caller)
    return await run_in_threadpool(
        desk.data_desk.import_bars,
        await _read_body(request, file_name),
        file_name,
        symbol,
        timeframe,
        clock,
        accept_clock=accept_clock,
        stamped_at=stamped_at,
        source=source,
        folder=folder,
        replace=replace,
        dry_run=dry_run,
        by=caller.user,
    )


async def _read_body(request: Request, file_name: str) -> bytes:
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        check_size(file_name, len(raw))
    return bytes(raw)


@router.post("/simulated")
def simulate_bars(payload: Annotated[dict[str, Any], Body()], desk: TheDesk) -> dict[str, Any]:
    """Store M1 bars of the simulated market."""
    return desk.data_desk.simulate_bars(payload)


@router.post(
    "/fetch",
    response_class=StreamingResponse,
    responses=LINES | {502: {"description": "The vendor did not deliver"}},
)
def fetch_bars(payload: Annotated[dict[str, Any], Body()], desk: TheDesk) -> StreamingResponse:
    """Fetch bars from a feed; the answer is a line of JSON a day, the last says what was stored.

    A client that goes away stops the fetch; the next one goes on where it was.
    """
    return stream_lines(desk.fetch(payload))


pushed = APIRouter(prefix="/bars", tags=["data"])

BARS_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["symbol", "timeframe", "bars"],
                    "properties": {
                        "symbol": {"type": "string"},
                        "timeframe": {"type": "string", "enum": list(GRID)},
                        "bars": {
                            "type": "array",
                            "minItems": 1,
                            "maxItems": 10_000,
                            "items": PushedBar.model_json_schema(),
                        },
                    },
                }
            }
        },
    }
}
"""What the API's own description says of the body, which is read here and not by FastAPI."""


@pushed.post("", openapi_extra=BARS_BODY)
def push_bars(said: TheObject, desk: TheDesk) -> dict[str, Any]:
    """Take closed bars of another program in, all or none; the same ones again change nothing."""
    return desk.push_bars(said)
