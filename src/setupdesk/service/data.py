"""Stored bars over HTTP: list them, import a file, simulate a market."""

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query, Request
from starlette.concurrency import run_in_threadpool

from setupdesk.core.errors import InvalidImportError
from setupdesk.service.security import TheDesk

router = APIRouter(prefix="/data", tags=["data"])

MAX_UPLOAD = 256 * 1024 * 1024


@router.get("")
def list_data_sets(desk: TheDesk) -> list[dict[str, Any]]:
    """List the stored bars."""
    return desk.data_desk.data_sets()


@router.post("/import")
async def import_bars(
    symbol: Annotated[str, Query(max_length=64)],
    timeframe: Annotated[str, Query(max_length=64)],
    file_name: Annotated[str, Query(max_length=255)],
    desk: TheDesk,
    request: Request,
) -> dict[str, Any]:
    """Import the file that is the request's body."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_UPLOAD:
            raise InvalidImportError(file_name, f"it is larger than {MAX_UPLOAD >> 20} MiB")
    return await run_in_threadpool(
        desk.data_desk.import_bars, bytes(raw), file_name, symbol, timeframe
    )


@router.post("/simulated")
def simulate_bars(payload: Annotated[dict[str, Any], Body()], desk: TheDesk) -> dict[str, Any]:
    """Store M1 bars of the simulated market."""
    return desk.data_desk.simulate_bars(payload)
