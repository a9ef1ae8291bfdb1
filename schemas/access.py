"""Access rights on the broker: the minimal rights of each principal, as one table.

Pure. `loanctl topics acls` prints them and applies them on a broker that denies by default; every other
declaration of rights (Kubernetes, Terraform) is made from the same table.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.topics import Topic, Topics, redrive_id, scoring_group


class KafkaPrincipal(StrEnum):
    WORKER = "worker"
    DRIFT_AGENT = "drift-agent"
    TRAINER = "trainer"
    LEDGER = "ledger"
    GATEWAY = "gateway"
    UPSTREAM = "upstream"
    """Systems that send applications and outcomes."""
    DOWNSTREAM = "downstream"
    """Systems that read decisions, in groups of their own whose names begin with `downstream.`."""
    OPERATOR = "operator"
    """A person at `loanctl`: promotes, commands, acknowledges and redrives; each act is on the audit log."""


class Resource(StrEnum):
    """Resource type of a right, by Kafka's names."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactional_id"


class Operation(StrEnum):
    """Operation of a right. READ and WRITE imply DESCRIBE."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, order=True)
class AccessRight:
    """One operation of one principal on one resource, or on all whose name begins so where `prefix`."""

    principal: KafkaPrincipal
    resource: Resource
    name: str
    operation: Operation
    prefix: bool = False


def rights(topics: Topics) -> tuple[AccessRight, ...]:
    """The rights of every principal, for the topics of one product and prefix."""
    return tuple(right for principal in KafkaPrincipal for right in _of(principal, topics))


def topic_operations(principal: KafkaPrincipal, topics: Topics) -> Mapping[str, frozenset[Operation]]:
    """What a principal does with each of its topics, by the topic's name; in the order of the table."""
    found: dict[str, frozenset[Operation]] = {}
    for operation, some in zip((Operation.READ, Operation.WRITE), _topics_of(principal, topics), strict=True):
        for topic in some:
            found[topic.name] = found.get(topic.name, frozenset()) | {operation}
    return found


def _of(principal: KafkaPrincipal, topics: Topics) -> Iterator[AccessRight]:
    read, written = _topics_of(principal, topics)
    yield from (AccessRight(principal, Resource.TOPIC, topic.name, Operation.READ) for topic in read)
    yield from (AccessRight(principal, Resource.TOPIC, topic.name, Operation.WRITE) for topic in written)
    yield from _memberships(principal, topics)


def _topics_of(principal: KafkaPrincipal, topics: Topics) -> tuple[tuple[Topic, ...], tuple[Topic, ...]]:
    """Topics read and topics written."""
    match principal:
        case KafkaPrincipal.WORKER:
            return (
                (topics.applications, topics.champions),
                (topics.decisions, topics.shadow_decisions, topics.dead_letters),
            )
        case KafkaPrincipal.DRIFT_AGENT:
            own = (topics.drift_counts, topics.drift_states)
            heard = (topics.champions, topics.outcomes, topics.drift_acknowledgements, topics.retrain_results)
            said = (topics.drift_reports, topics.performance_reports, topics.retrain_commands)
            return (topics.applications, topics.decisions, *heard, *own), (*own, *said)
        case KafkaPrincipal.TRAINER:
            answers = (topics.retrain_commands, topics.retrain_results)
            read = (topics.applications, topics.outcomes, topics.decisions, topics.reviews)
            return (*answers, *read), (*answers, topics.champions, topics.audit)
        case KafkaPrincipal.LEDGER:
            ends = (topics.reviews, topics.outcomes, topics.dead_letters)
            reports = (topics.drift_reports, topics.performance_reports)
            return (
                topics.decisions,
                *ends,
                *reports,
                topics.retrain_commands,
                topics.retrain_results,
                topics.champions,
                topics.audit,
            ), ()
        case KafkaPrincipal.GATEWAY:
            seen = (topics.dead_letters, topics.drift_reports, topics.champions)
            work = (topics.retrain_commands, topics.retrain_results)
            people = (topics.reviews, topics.audit, topics.alerts)
            return (topics.applications, topics.decisions, *seen, *work), (topics.applications, *people)
        case KafkaPrincipal.UPSTREAM | KafkaPrincipal.DOWNSTREAM | KafkaPrincipal.OPERATOR:
            return _topics_outside(principal, topics)


def _topics_outside(principal: KafkaPrincipal, topics: Topics) -> tuple[tuple[Topic, ...], tuple[Topic, ...]]:
    """The same for users that are not processes of this project."""
    if principal is KafkaPrincipal.UPSTREAM:
        return (), (topics.applications, topics.outcomes)
    if principal is KafkaPrincipal.DOWNSTREAM:
        return (topics.decisions, topics.reviews), ()
    reports = (topics.drift_reports, topics.performance_reports, topics.retrain_commands, topics.retrain_results)
    seen = (topics.dead_letters, topics.applications, topics.decisions, topics.champions, topics.audit, topics.alerts)
    # What a challenger would have said, and what became of the loans: `loanctl challenger report`, `drift performance`.
    judged = (topics.shadow_decisions, topics.outcomes)
    return (*seen, *reports, *judged), (
        topics.applications,
        topics.champions,
        topics.retrain_commands,
        topics.drift_acknowledgements,
        topics.audit,
    )


def _memberships(principal: KafkaPrincipal, topics: Topics) -> Iterator[AccessRight]:
    """Consumer groups, and names of transactions."""
    match principal:
        case KafkaPrincipal.WORKER:
            scoring = scoring_group(topics)
            yield AccessRight(principal, Resource.GROUP, scoring, Operation.READ)
            yield AccessRight(principal, Resource.GROUP, f"{topics.champions.name}.", Operation.READ, prefix=True)
            yield AccessRight(principal, Resource.TRANSACTIONAL_ID, f"{scoring}.", Operation.WRITE, prefix=True)
        case KafkaPrincipal.DRIFT_AGENT:
            drift = f"{topics.applications.name}.drift"
            yield AccessRight(principal, Resource.GROUP, drift, Operation.READ, prefix=True)
            yield AccessRight(principal, Resource.TRANSACTIONAL_ID, f"{drift}.", Operation.WRITE, prefix=True)
        case KafkaPrincipal.TRAINER:
            training = f"{topics.retrain_commands.name}.trainer"
            yield AccessRight(principal, Resource.GROUP, training, Operation.READ)
            yield AccessRight(principal, Resource.TRANSACTIONAL_ID, f"{training}.", Operation.WRITE, prefix=True)
        case KafkaPrincipal.LEDGER:
            yield AccessRight(principal, Resource.GROUP, f"{topics.decisions.name}.ledger", Operation.READ)
        case KafkaPrincipal.DOWNSTREAM:
            yield AccessRight(principal, Resource.GROUP, "downstream.", Operation.READ, prefix=True)
        case KafkaPrincipal.GATEWAY:
            # It reads without a group, and looks at how far the workers' has come.
            yield AccessRight(principal, Resource.GROUP, scoring_group(topics), Operation.READ)
        case KafkaPrincipal.OPERATOR:
            yield AccessRight(principal, Resource.TRANSACTIONAL_ID, redrive_id(topics), Operation.WRITE)
