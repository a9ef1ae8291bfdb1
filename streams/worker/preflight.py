"""What must be there before the first application is read, in the order in which its absence should be told.

A set-up fault stops the process with one line; an outage is waited out; a missing champion is waited
for, since training may come later and applications keep on the topic meanwhile.
"""

from dataclasses import replace
from functools import partial
from typing import Any, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from schemas.application_decoder import ApplicationReader
from schemas.event_codec import avro_schema
from schemas.events.decisions import LoanDecision
from schemas.registry_client import registered_id
from scorecard.decisions.dead_letters import DeadLetterOffice
from scorecard.decisions.records import DecisionWriter
from scorecard.decisions.scoring import DecisionCodec
from streams.kafka.errors import BrokerAwayError, NoTopicError
from streams.runtime.lifecycle import Lifecycle, StoppedError
from streams.worker.model_slots import ModelSlot, ModelWatcher
from streams.worker.settings import ScoringSettings

ASK_S: Final = 5.0


def require_topics(settings: ScoringSettings, situation: Lifecycle) -> None:
    """Wait for the broker, then for nothing.

    Raises:
        NoTopicError: names every topic that is missing.
        StoppedError: told to stop meanwhile.
    """
    situation.at("waiting for the broker")
    known = situation.patiently("broker", lambda: _known_topics(settings))
    topics = settings.topics()
    needed = (topics.applications, topics.decisions, topics.shadow_decisions, topics.dead_letters, topics.champions)
    missing = [topic.name for topic in needed if topic.name not in known]
    if missing:
        problem = f"no topic {', '.join(missing)} on {settings.bootstrap_servers}: run `loanctl topics apply`"
        raise NoTopicError(problem)


def wires(settings: ScoringSettings, situation: Lifecycle) -> tuple[DecisionCodec, DecisionCodec]:
    """How applications are read and answers written, by the champion and by the challenger.

    Raises:
        NotRegisteredError: the schema of decisions is not in the registry.
        StoppedError: told to stop meanwhile.
    """
    situation.at("waiting for the schema registry")
    topics = settings.topics()
    registry = settings.registry()
    decisions, shadow = (
        DecisionWriter(topic.name, situation.patiently("registry", partial(_decision_schema, registry, topic.name)))
        for topic in (topics.decisions, topics.shadow_decisions)
    )
    wire = _wire(settings, decisions)
    return wire, replace(wire, writer=shadow)


def await_champion(seat: ModelSlot, watch: ModelWatcher, situation: Lifecycle, poll_s: float) -> None:
    """Wait until somebody decides.

    Raises:
        StoppedError: told to stop meanwhile.
    """
    seat.look()
    while seat.holder is None:
        situation.at("waiting for a champion")
        if situation.stopping.wait(poll_s):
            raise StoppedError
        seat.look()
    watch.start()


def _known_topics(settings: ScoringSettings) -> frozenset[str]:
    try:
        return frozenset(AdminClient(settings.kafka()).list_topics(timeout=ASK_S).topics)
    except KafkaException as cause:
        raise BrokerAwayError(cause.args[0].name()) from cause


def _decision_schema(registry: Any, topic: str) -> int:
    return registered_id(registry, f"{topic}-value", avro_schema(LoanDecision))


def _wire(settings: ScoringSettings, writer: DecisionWriter) -> DecisionCodec:
    contract, limits = settings.contract(), settings.record_limits()
    return DecisionCodec(
        contract=contract,
        reader=ApplicationReader(contract, limits),
        writer=writer,
        dead_letters=DeadLetterOffice(
            settings.topics().dead_letters.name, contract, keep_bytes=settings.keep_dead_bytes, limits=limits
        ),
    )
