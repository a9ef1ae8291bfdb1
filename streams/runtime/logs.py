"""Structured logs: a line per fact, as text on a terminal and as JSON elsewhere.

Logs of libraries use the same output. The messages of a Kafka client while its broker is unavailable
(150 lines a second) are limited.
"""

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Final

import structlog

from schemas.urls import mask_credentials
from streams.runtime.terminal import printable

CLIENT: Final = "librdkafka"
FAUST_CLIENT: Final = "aiokafka"
QUIET_LIBRARIES: Final = ("aiokafka", "faust", "mode", "numba", "kafka", "mlflow", "alembic")
"""They log every partition and request at info."""
SILENT_LIBRARIES: Final = ("urllib3", "httpx", "httpx2", "httpcore", "httpcore2")
"""They warn of every attempt at an unavailable server; the caller logs it once."""
LINES: Final = 5
WINDOW_S: Final = 10.0
"""A client that lost its broker logs each broker and attempt; five lines in ten seconds say as much."""


def configure(level: str = "info", process: str = "") -> None:
    """Send this process' logs to standard error; JSON where that is no terminal."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_process(process),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _mask_fields,
                *_renderers(),
            ],
        )
    )
    handler.addFilter(_rate_limit(Flood()))
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for library in QUIET_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    for library in SILENT_LIBRARIES:
        logging.getLogger(library).setLevel(logging.ERROR)


def client_logger() -> logging.Logger:
    """The logger of Kafka clients; limited, so that an unavailable broker cannot fill a disk."""
    logger = logging.getLogger(CLIENT)
    if not any(isinstance(each, Flood) for each in logger.filters):
        logger.addFilter(Flood())
    return logger


class Flood(logging.Filter):
    """Passes a few lines in each window of time, and reports how many it dropped."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._began = clock()
        self._passed = 0
        self._held = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line may pass."""
        if self._clock() - self._began >= WINDOW_S:
            self._open_window(record)
        self._passed += 1
        if self._passed > LINES:
            self._held += 1
        return self._passed <= LINES

    def _open_window(self, record: logging.LogRecord) -> None:
        if self._held:
            record.msg, record.args = f"{record.getMessage()} ({self._held} lines kept back before)", None
        self._began, self._passed, self._held = self._clock(), 0, 0


def _rate_limit(flood: Flood) -> Callable[[logging.LogRecord], bool]:
    def passes(record: logging.LogRecord) -> bool:
        return flood.filter(record) if record.name.startswith(FAUST_CLIENT) else True

    return passes


def _add_process(process: str) -> Any:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if process:
            event["process"] = process
        return event

    return add


def _mask_fields(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Without credentials of URLs, also in lines of libraries and in tracebacks."""
    return {name: mask_credentials(value) if isinstance(value, str) else value for name, value in event.items()}


def _renderers() -> tuple[Any, ...]:
    if sys.stderr.isatty():
        return _printable, structlog.dev.ConsoleRenderer()
    return (structlog.processors.JSONRenderer(),)


def _printable(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {name: printable(value) if isinstance(value, str) else value for name, value in event.items()}
