"""Preconditions for reading the first application, in the order in which their absence should be reported.

A set-up fault stops the process with one line. It waits for an outage to end, and for a missing champion,
since training may come later and applications stay on the topic meanwhile.
"""

from dataclasses import replace
from functools import partial
from typing import Any

from schemas.access import KafkaPrincipal
from schemas.codec.application_decoder import ApplicationReader
from schemas.codec.event_codec import avro_schema
from schemas.errors import StoppedError
from schemas.events.decisions import LoanDecision
from schemas.registry_client import registered_id
from schemas.release import code_version
from schemas.topics import announcements_group
from scorecard.decisions.dead_letter_office import DeadLetterOffice
from scorecard.decisions.decision_records import DecisionWriter
from scorecard.decisions.scoring import DecisionCodec
from streams.kafka.admin import require_group, require_topics
from streams.kafka.broker_settings import report_small_topics
from streams.runtime.application_keys import application_keys
from streams.runtime.lifecycle import Lifecycle
from streams.worker.model_slots import ModelSlot, ModelWatcher
from streams.worker.settings import ScoringSettings


def await_topics(settings: ScoringSettings, instance: str, lifecycle: Lifecycle) -> None:
    """Wait for the broker, then for nothing.

    Raises:
        NoTopicError: names every topic that is missing.
        NotAllowedError: this worker may not join the group in which it receives announcements; Faust would only wait.
        StoppedError: the process is stopping.
    """
    lifecycle.at("waiting for the broker")
    lifecycle.retry("broker", lambda: require_topics(settings, KafkaPrincipal.WORKER))
    topics = settings.topics()
    lifecycle.retry("broker", lambda: require_group(settings, announcements_group(topics, instance)))
    report_small_topics(settings, [topics.decisions.name, topics.shadow_decisions.name, topics.dead_letters.name])


def wires(settings: ScoringSettings, lifecycle: Lifecycle) -> tuple[DecisionCodec, DecisionCodec]:
    """How applications are read and answers written, by the champion and by the challenger.

    Raises:
        NotRegisteredError: the schema of decisions is not in the registry.
        StoppedError: the process is stopping.
    """
    lifecycle.at("waiting for the schema registry")
    topics = settings.topics()
    registry = settings.registry()
    decisions, shadow = (
        DecisionWriter(
            topic.name,
            lifecycle.retry("registry", partial(_decision_schema, registry, topic.name)),
            code_version(),
            cloudevents=settings.cloudevents,
        )
        for topic in (topics.decisions, topics.shadow_decisions)
    )
    wire = decision_codec(settings, decisions)
    return wire, replace(wire, writer=shadow)


def await_champion(seat: ModelSlot, watch: ModelWatcher, lifecycle: Lifecycle, poll_s: float) -> None:
    """Wait until there is a champion.

    Raises:
        StoppedError: the process is stopping.
    """
    seat.look()
    while seat.holder is None:
        lifecycle.at("waiting for a champion")
        if lifecycle.stopping.wait(poll_s):
            raise StoppedError
        seat.look()
    watch.start()


def _decision_schema(registry: Any, topic: str) -> int:
    return registered_id(registry, f"{topic}-value", avro_schema(LoanDecision))


def decision_codec(settings: ScoringSettings, writer: DecisionWriter) -> DecisionCodec:
    """How applications are read, and answers written by this writer."""
    contract, limits = settings.contract(), settings.record_limits()
    return DecisionCodec(
        contract=contract,
        reader=ApplicationReader(contract, limits, application_keys(settings)),
        writer=writer,
        dead_letters=DeadLetterOffice(
            settings.topics().dead_letters.name, contract, keep_bytes=settings.keep_dead_bytes, limits=limits
        ),
    )
