"""Faust's Kafka transport, which waits for an unavailable broker at its start; aiokafka's gives up at once."""

from typing import Any, ClassVar, Final

import structlog
from aiokafka.errors import KafkaConnectionError
from faust.transport.drivers import aiokafka

RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class PatientThread(aiokafka.AIOKafkaConsumerThread):
    """Asks again until the broker answers or the worker stops."""

    async def on_start(self) -> None:
        """Start the consumer, however long its broker takes."""
        while not self.should_stop:
            try:
                return await super().on_start()
            except KafkaConnectionError as cause:
                log.warning("dependency.lost", dependency="broker", error=type(cause).__name__)
                if self._consumer is not None:
                    await self._consumer.stop()
                await self.sleep(RETRY_S)
        return None


class PatientConsumer(aiokafka.Consumer):
    """A consumer in such a thread."""

    def _new_consumer_thread(self) -> PatientThread:
        return PatientThread(self, loop=self.loop, beacon=self.beacon)


class PatientTransport(aiokafka.Transport):
    """A transport with such a consumer."""

    Consumer: ClassVar[Any] = PatientConsumer
