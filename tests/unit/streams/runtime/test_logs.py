"""Logs are structured, and a client that lost its broker cannot fill a disk."""

import json
import logging

import pytest
import structlog

from streams.runtime import logs
from streams.runtime.logs import LINES, WINDOW_S, Flood


@pytest.fixture(autouse=True)
def _as_before() -> object:
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    logging.root.handlers[:], logging.root.level = handlers, level
    structlog.reset_defaults()


def a_line() -> logging.LogRecord:
    return logging.LogRecord("client", logging.ERROR, __file__, 1, "%s is down", ("broker",), None)


def test_a_flood_is_held_back_and_counted() -> None:
    now = [0.0]
    flood = Flood(lambda: now[0])

    passed = [flood.filter(a_line()) for _ in range(LINES + 100)]
    now[0] = WINDOW_S
    following = a_line()

    assert sum(passed) == LINES
    assert flood.filter(following)
    assert following.getMessage() == "broker is down (100 lines kept back before)"


def test_a_line_off_the_terminal_is_json_with_its_facts(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "worker")

    structlog.get_logger("x").info("champion.changed", version="2")

    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["version"], line["level"], line["process"]) == (
        "champion.changed",
        "2",
        "info",
        "worker",
    )


def test_a_library_speaks_through_the_same_door(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "worker")

    logging.getLogger("aiokafka").info("of no interest")
    logging.getLogger("aiokafka").warning("of interest: %s", 7)

    line = json.loads(capsys.readouterr().err)
    assert (line["event"], line["logger"]) == ("of interest: 7", "aiokafka")


def test_all_clients_share_one_limit() -> None:
    assert logs.client_logger() is logs.client_logger()
    assert len(logs.client_logger().filters) == 1


def test_faust_s_client_is_limited_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "worker")

    for _ in range(100):
        logging.getLogger("aiokafka.consumer").error("Unable to connect")
    logging.getLogger("ours").error("heard")

    assert len(capsys.readouterr().err.splitlines()) == LINES + 1
