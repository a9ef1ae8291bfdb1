"""One delivery mode under test: its topics, its workers, the applications played to it, and what its topics hold."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from confluent_kafka import Consumer, TopicPartition

from loanctl.audit.decision_check import DecisionChecker
from loanctl.audit.decision_search import RecordedDecision
from scorecard.decisions.reproduction import DecisionCopy, own_decision
from streams.kafka.topics.topic_reader import Record
from streams.runtime.settings import Connection
from streams.worker.settings import ScoringSettings
from tests.chaos.invariant import (
    ObservedDecision,
    ObservedLetter,
    Source,
    champion_findings,
    commit_findings,
    decision_findings,
    leak_findings,
    letter_findings,
)
from tests.chaos.load import Kind, Load, SentRecord
from tests.chaos.supervised_process import SupervisedProcess
from tests.chaos.topic_tail import TopicTail
from tests.system.processes import Processes

TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class DecisionRead:
    """A decision with its record, for recomputation."""

    seen: ObservedDecision
    recorded: RecordedDecision


@dataclass
class Lane:
    """One mode."""

    delivery: str
    connection: Connection
    """The checker's: past every proxy, its MLflow a file."""
    processes: Processes
    load: Load
    workers: list[SupervisedProcess] = field(default_factory=list)
    gone: set[Source] = field(default_factory=set)
    again: set[Source] = field(default_factory=set)

    def __post_init__(self) -> None:
        topics = self.connection.topics()
        self.decisions = TopicTail(self.connection, topics.decisions.name, decision_read)
        self.letters = TopicTail(self.connection, topics.dead_letters.name, observed_letter)
        self._checked = 0

    @property
    def at_least_once(self) -> bool:
        return self.delivery == "at_least_once"

    def start_worker(self, number: int) -> SupervisedProcess:
        """One more, under a name of its own."""
        settings = {
            "cache_dir": self.processes.folder / f"cache-{number}",
            "instance_id": f"{self.delivery}-{number}",
            "delivery": self.delivery,
            "champion_poll_s": 0.2,
            "batch_records": 50,
        }
        self.workers.append(SupervisedProcess(self.processes, "streams", f"worker-{self.delivery}-{number}", settings))
        return self.workers[-1]

    def unanswered_count(self, count: int) -> int:
        """Of the first so many that were sent: how many have no decision, or no dead letter, yet."""
        sent = self.load.sent[:count]
        decided = {each.seen.source for each in self.decisions.read_on()}
        set_aside = {each.source for each in self.letters.read_on()}
        return len(self._sources(sent, Kind.POISON) - decided) + len(self._sources(sent, Kind.GOOD) - set_aside)

    def _sources(self, sent: Sequence[SentRecord], but: Kind) -> set[Source]:
        return {(one.partition, one.offset) for one in sent if one.kind is not but} - self.gone

    def findings(self) -> Counter[str]:
        """Of all that was sent so far; the bytes of each decision are checked once."""
        seen = [each.seen for each in self.decisions.read_on()]
        return (
            decision_findings(self.load.sent, seen, self.gone, self.again)
            + letter_findings(self.load.sent, self.letters.read_on(), self.gone, self.again)
            + commit_findings(self.committed_offsets(), self.ends())
            + Counter(records_refused=len(self.load.failed))
            + self._leaks_in_headers()
        )

    def evidence(self) -> str:
        """Where decisions lie that answer one application more than once, and when they were produced."""
        found: dict[Source, list[str]] = defaultdict(list)
        for each in self.decisions.items:
            record = each.recorded.record
            at = record.timestamp if record else 0
            found[each.seen.source].append(f"{each.seen.place} at {at} by {each.seen.version}")
        return "\n".join(f"{source}: {', '.join(those)}" for source, those in found.items() if len(those) > 1)

    def altered_count(self) -> int:
        """Decisions since the last call whose bytes are not those of a clean run: of the same bytes, computed here."""
        fresh = self.decisions.items[self._checked :]
        self._checked += len(fresh)
        checker = DecisionChecker(ScoringSettings(**self.connection.model_dump()))
        # One that is deleted before it is looked at, and was not scored, holds nothing to compute it from.
        return sum(bool(check.changes) for check in checker.checks([each.recorded for each in fresh]))

    def champions_out_of_order(self, since: int) -> Counter[str]:
        """Of the decisions from this place on."""
        return champion_findings(each.seen for each in self.decisions.items[since:])

    def ends(self) -> Mapping[int, int]:
        """Where the group must be once all is answered."""
        found: dict[int, int] = {}
        for one in list(self.load.sent):
            found[one.partition] = max(found.get(one.partition, 0), one.offset + 1)
        return found

    def committed_offsets(self, group: str = "") -> Mapping[int, int]:
        """Where the workers' group, or another, is."""
        of = group or ScoringSettings(**self.connection.model_dump()).group()
        consumer = Consumer({**self.connection.kafka(), "group.id": of, "isolation.level": "read_committed"})
        try:
            places = [TopicPartition(self.load.topic, partition) for partition in self.ends()]
            return {each.partition: each.offset for each in consumer.committed(places, TIMEOUT_S)}
        finally:
            consumer.close()

    def _leaks_in_headers(self) -> Counter[str]:
        of_decisions = b"\n".join(
            repr(record.header_pairs).encode() for each in self.decisions.items if (record := each.recorded.record)
        )
        of_letters = b"\n".join(each.headers for each in self.letters.items)
        return leak_findings({"decisions": of_decisions, "dead letters": of_letters})


def decision_read(record: Record) -> DecisionRead:
    fields: Mapping[str, Any] = own_decision(record.value)
    seen = ObservedDecision(
        source=(fields["source_partition"], fields["source_offset"]),
        place=(record.partition, record.offset),
        key=(record.key or b"").decode(),
        version=fields["scorecard_version"],
        value=record.value or b"",
    )
    return DecisionRead(seen, RecordedDecision(DecisionCopy(record.value, fields), record))


def observed_letter(record: Record) -> ObservedLetter:
    headers = record.headers
    partition, offset = (int(headers[f"__connect.errors.{name}"] or b"") for name in ("partition", "offset"))
    return ObservedLetter((partition, offset), repr(record.header_pairs).encode())
