"""Requests to a gateway in this process, without a socket."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2


@asynccontextmanager
async def client_of(app: Any, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway", headers=headers) as client:
        yield client


def a_body(**fields: Any) -> dict[str, Any]:
    """An application as JSON data that can be scored, but for what is overridden; `...` leaves a field out."""
    usual: dict[str, Any] = {
        "person_age": 30,
        "person_income": 50_000,
        "person_home_ownership": "RENT",
        "person_emp_length": 4,
        "loan_intent": "MEDICAL",
        "loan_amnt": 10_000,
        "cb_person_default_on_file": "N",
        "cb_person_cred_hist_length": 6,
    }
    return {name: value for name, value in {**usual, **fields}.items() if value is not ...}


async def until(fact: Callable[[], bool]) -> None:
    """Let others run until it is true."""
    async with asyncio.timeout(10):
        while not fact():  # noqa: ASYNC110 - the double has no event to wait for
            await asyncio.sleep(0)
