"""What a person or upstream does: offsets set back, records gone, partitions added, poison, many champions."""

import random
import time
from collections.abc import Mapping
from typing import Final

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions

from drift.settings import DriftSettings
from streams.worker.settings import ScoringSettings
from tests.chaos.arena import Arena
from tests.chaos.faults.fault import Fault
from tests.chaos.lane import Lane
from tests.chaos.load import Kind
from tests.system.wait import wait_for

BATCH: Final = 20
SWAPS: Final = 20
SWAP_S: Final = 0.5
BACK: Final = 30
GROUP_S: Final = 90.0


def poison(arena: Arena, _: random.Random) -> None:
    """A poison record at each place of twenty among good ones, and twenty of them alone."""
    for lane in arena.lanes:
        for place in range(BATCH):
            for other in range(BATCH):
                lane.load.play(Kind.POISON if other == place else Kind.GOOD)
        for _ in range(BATCH):
            lane.load.play(Kind.POISON)


def swaps(arena: Arena, _: random.Random) -> None:
    """Two new champions a second."""
    for successor in arena.successors(SWAPS):
        arena.board.crown(*successor)
        time.sleep(SWAP_S)


def add_partitions(arena: Arena, _: random.Random) -> None:
    """Two more on the topics of applications and decisions."""
    for lane in arena.lanes:
        admin = AdminClient(lane.connection.kafka())
        topics = lane.connection.topics()
        for name in (topics.applications.name, topics.decisions.name):
            count = len(admin.list_topics(name, timeout=30).topics[name].partitions) + 2
            admin.create_partitions([NewPartitions(name, count)])[name].result(30)
    time.sleep(8)


def offsets_set_back(arena: Arena, _: random.Random) -> None:
    """A person sets the stopped group back by thirty in each partition: decided again, with the same bytes."""
    _hold(arena)
    for lane in arena.lanes:
        wait_for(lambda lane=lane: not _members(lane), GROUP_S, "an empty group")  # type: ignore[misc]
        committed = lane.committed_offsets()
        back = {partition: max(0, offset - BACK) for partition, offset in committed.items()}
        wait_for(lambda lane=lane, back=back: _moved(lane, back), GROUP_S, "the group's offsets")  # type: ignore[misc]
        lane.again |= {
            (partition, offset) for partition, first in back.items() for offset in range(first, committed[partition])
        }
    _go_on(arena)


def retention(arena: Arena, _: random.Random) -> None:
    """Records are deleted before the stopped group has read them: they are owed nothing, all others are."""
    _hold(arena)
    time.sleep(2)
    for lane in arena.lanes:
        admin = AdminClient(lane.connection.kafka())
        committed, ends = lane.committed_offsets(), lane.ends()
        if lane is arena.lanes[0] and "drift" in arena.agents:
            # It has read what is deleted: the invariant counts its windows.
            wait_for(lambda lane=lane, ends=ends: _read_by_drift(lane, ends), GROUP_S, "the drift agent")  # type: ignore[misc]
        asked = [TopicPartition(lane.load.topic, partition, end) for partition, end in ends.items()]
        for place, future in admin.delete_records(asked).items():
            lane.gone |= {
                (place.partition, offset)
                for offset in range(committed.get(place.partition, 0), future.result().low_watermark)
            }
    _go_on(arena)


def _hold(arena: Arena) -> None:
    for each in arena.workers:
        each.hold()


def _go_on(arena: Arena) -> None:
    for each in arena.workers:
        each.go_on()


def _group(lane: Lane) -> str:
    return ScoringSettings(**lane.connection.model_dump()).group()


def _read_by_drift(lane: Lane, ends: Mapping[int, int]) -> bool:
    group = DriftSettings(**lane.connection.model_dump()).group()
    committed = lane.committed_offsets(group)
    return all(committed.get(partition, 0) >= end for partition, end in ends.items())


def _members(lane: Lane) -> int:
    admin = AdminClient(lane.connection.kafka())
    return len(admin.describe_consumer_groups([_group(lane)])[_group(lane)].result(30).members)


def _moved(lane: Lane, offsets: Mapping[int, int]) -> bool:
    places = [TopicPartition(lane.load.topic, partition, offset) for partition, offset in offsets.items()]
    admin = AdminClient(lane.connection.kafka())
    done = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(_group(lane), places)])[_group(lane)]
    return done.exception() is None and all(each.error is None for each in done.result().topic_partitions)


PERSON_FAULTS: Final = (
    Fault("poison at each place of a batch", poison, keeps_partitions=True),
    Fault("two champions a second", swaps, keeps_partitions=True),
    Fault("partitions added", add_partitions, mixes=False),
    Fault("offsets set back by a person", offsets_set_back, mixes=False),
    Fault("records deleted before they are read", retention, mixes=False),
)
