"""The trainer's answer to a retrain command, awaited on the topic of results."""

from loanctl.reports.topic_watcher import Watcher
from schemas.events.retraining import RetrainResult, RetrainStatus
from schemas.registry_client import EventSerde
from streams.runtime.settings import Connection


def await_answer(connection: Connection, command_id: str, patience_s: float) -> RetrainResult | None:
    """The first result of a command that tells how it ended; None if there is none in time.

    Args:
        patience_s: a training takes minutes.

    Raises:
        OutageError, SetupError: the topic cannot be followed.
    """
    topic = connection.topics().retrain_results
    serde = EventSerde(connection.registry(), RetrainResult, topic.name)
    with Watcher(connection, [topic]) as watcher:

        def answers() -> list[RetrainResult]:
            own = [each for each in watcher.records(topic) if each.key == command_id.encode()]
            # A command that is sent again has a duplicate's answer beside the first one.
            return [it for it in (serde.decode(each.value) for each in own) if it.status is not RetrainStatus.DUPLICATE]

        watcher.wait_for(lambda: bool(answers()), patience_s)
        return next(iter(answers()), None)
