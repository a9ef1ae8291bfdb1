"""Detects another running process with this instance name in the group: the second one to start must not join.

Static members of one name fence each other for ever. A broker shows which member has a name, by an id that changes
with each process that joins; a process that replaces a member keeps its client id, so the client id shows nothing
(measured, Kafka 4.3). A member with the last id that this cache folder knows is this process's dead predecessor,
because this process holds the folder's lock. Any other member is either alive, or its session ends soon.
"""

import threading
import time
from typing import Any, Final

import structlog
from confluent_kafka import KafkaError, KafkaException

from schemas.errors import OutageError, SetupError
from streams.kafka.admin import BrokerAdmin, new_admin
from streams.kafka.kafka_errors import BrokerAwayError, FencedError, reading_fault
from streams.runtime.instance_id import Instance, NameTakenError
from streams.runtime.settings import Connection

ASK_S: Final = 5.0
POLL_S: Final = 0.5
OUTLIVES_S: Final = 11.0
"""A member that is still there after this is alive: its session is shorter."""

log = structlog.get_logger(__name__)


class DuplicateInstanceCheck:
    """Asks a broker for them. Used from one thread."""

    def __init__(self, connection: Connection, group: str, instance: Instance) -> None:
        """Connects nothing yet.

        Args:
            connection: broker, and whether this process stands by.
            group: the consumer group.
            instance: this process's name.
        """
        self._group = group
        self._instance = instance
        self._standby = connection.standby
        self._connection = connection
        self._asked = False

    def require_none(self, stopping: threading.Event) -> None:
        """Return once no other running process has this name; later calls return at once, until there is a doubt.

        A process that has once been alone keeps its name: after a session that a broker or a stall ended, the
        member that it finds may be its own, rejoined unnoticed. A process that starts later asks for itself.

        Raises:
            NameTakenError: another process has it, and this one does not stand by.
            BrokerAwayError: no broker answers, or the process is stopping.
            NotAllowedError: the broker does not allow this user to describe the group.
        """
        if self._asked:
            return
        admin, since, warned = new_admin(self._connection), time.monotonic(), False
        while host := self._host_of_namesake(admin):
            if time.monotonic() - since > OUTLIVES_S and not self._standby:
                problem = f"a living process at {host} has the instance id {self._instance.name!r}"
                text = f"{problem} in group {self._group}: give each its own, or set LOAN_STANDBY=true"
                raise NameTakenError(text)
            if not warned:
                log.info("namesake.awaited", instance=self._instance.name, group=self._group, host=host)
                warned = True
            if stopping.wait(POLL_S):
                problem = "stopped while a namesake was awaited"
                raise BrokerAwayError(problem)
        self._asked = True

    def doubt(self, fault: OutageError) -> None:
        """Ask again before the next session if this one ended because another client used this name.

        Two processes that start in the same second find no other, and would fence each other for ever. The one whose
        member the group has finds itself and continues; the other finds it too, and exits.
        """
        if isinstance(fault, FencedError):
            self._asked = False

    def _host_of_namesake(self, admin: BrokerAdmin) -> str:
        known = self._instance.last_member()
        members = (each for each in self._members(admin) if each.group_instance_id == self._instance.name)
        return next((each.host.lstrip("/") or "another host" for each in members if each.member_id != known), "")

    def _members(self, admin: BrokerAdmin) -> list[Any]:
        try:
            futures = admin.describe_consumer_groups([self._group], request_timeout=ASK_S)
            return list(futures[self._group].result(ASK_S + 1).members)
        except KafkaException as cause:
            error: KafkaError = cause.args[0]
            if error.code() == KafkaError.GROUP_ID_NOT_FOUND:
                return []
            fault = reading_fault(error, f"group {self._group}")
            raise (fault if isinstance(fault, SetupError) else BrokerAwayError(error.name())) from cause
        except TimeoutError as cause:
            raise BrokerAwayError from cause
