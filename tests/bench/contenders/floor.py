"""The bare floor: the worker's own process and data plane, echoing bytes onto the decisions topic."""

import sys
from typing import Any

from schemas.records import OutgoingRecord
from streams.runtime import logs
from streams.runtime.stop_signal import StopSignal
from streams.worker.data_plane import InFlightBatch
from streams.worker.process import ScoringProcess
from streams.worker.settings import ScoringSettings


class Echo:
    """Stands where answering does."""

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def warm(self) -> None:
        """Nothing is compiled."""

    def answer(self, handed: InFlightBatch) -> None:
        """Every value as it came, delivered and committed as decisions are."""
        records = handed.batch.records
        echoes = [
            OutgoingRecord(self._topic, key, value) for key, value in zip(records.keys, records.values, strict=True)
        ]
        handed.session.delivery.deliver(echoes, handed.batch, handed.session.reader)


class FloorProcess(ScoringProcess):
    """A worker that does not decide."""

    def _batch_handler(self) -> Any:
        return Echo(self.settings.topics().decisions.name)


def main() -> int:
    """Run until told to stop."""
    settings = ScoringSettings.read()
    logs.configure(settings.log_level, "floor")
    FloorProcess(settings).run(StopSignal())
    return 0


if __name__ == "__main__":
    sys.exit(main())
