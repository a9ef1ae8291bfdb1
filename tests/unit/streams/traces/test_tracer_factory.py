"""Traces are off unless asked for, and then cost no import."""

import subprocess
import sys
import time

import pytest
from opentelemetry.trace import SpanKind

from streams.runtime.settings import Connection
from streams.traces.tracer import CLOSE_S, Tracer
from streams.traces.tracer_factory import TracesExtraError, batch_spans_of, tracer_of


@pytest.mark.slow
def test_a_process_without_traces_loads_nothing_of_them() -> None:
    script = """
import sys
import streams.worker.process, ledger.process
print(sorted(name for name in sys.modules if name.startswith(("opentelemetry.sdk", "streams.traces."))))
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "['streams.traces.tracer_factory']"


def test_traces_are_off_by_default() -> None:
    assert tracer_of(Connection(), "loan-test") is None
    assert batch_spans_of(None, "process", "decide", {}) is None


def test_a_collector_that_is_away_holds_back_no_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    tracer = tracer_of(Connection(traces=True), "loan-test")

    assert isinstance(tracer, Tracer)
    tracer.start("one", SpanKind.INTERNAL).end()
    began = time.monotonic()
    tracer.close()
    # The exporter alone would try for OTLP's ten seconds and more.
    assert time.monotonic() - began < CLOSE_S + 5.0


def test_opentelemetry_s_own_switch_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")

    assert tracer_of(Connection(traces=True), "loan-test") is None


def test_a_missing_extra_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)

    with pytest.raises(TracesExtraError, match=r"pip install 'loan-decisions\[otel\]'"):
        tracer_of(Connection(traces=True), "loan-test")
