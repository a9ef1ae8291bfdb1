"""Right by right: a process that lacks one of its rights on the broker ends with one line that names what it lacks.

Those of persons and of other systems: `tests/system/test_access.py`.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from schemas.access import AccessRight, KafkaPrincipal, Resource, rights
from streams.runtime.settings import Connection
from tests.system.processes import Processes, ProcessUnderTest
from tests.system.rights_stage import Stage, rights_stage
from tests.system.secured_broker import SecuredBroker, secured_broker
from tests.system.wait import wait_for
from tests.system.workers import Applicants

MODULES = {
    KafkaPrincipal.WORKER: "streams",
    KafkaPrincipal.DRIFT_AGENT: "drift",
    KafkaPrincipal.TRAINER: "training",
    KafkaPrincipal.LEDGER: "ledger",
    KafkaPrincipal.GATEWAY: "gateway",
}
MISCONFIGURED = 2
WITHIN_S = 90.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    with secured_broker(tmp_path_factory.mktemp("rights")) as running:
        yield running


@pytest.fixture
def stage(broker: SecuredBroker, connection: Connection, tmp_path: Path) -> Stage:
    return rights_stage(broker, connection, tmp_path)


@pytest.mark.chaos
@pytest.mark.timeout(1_800)  # up to twenty rights, each a process of its own
@pytest.mark.parametrize("principal", MODULES)
def test_a_process_with_one_right_less_ends_with_a_line_that_names_it(
    principal: KafkaPrincipal, broker: SecuredBroker, stage: Stage, processes: Processes, tmp_path: Path
) -> None:
    def findings(right: AccessRight) -> list[str]:
        process = _start(processes, principal, broker, tmp_path)
        return _wrong(process, right, lambda: _send(stage.load))

    silent = [line for right in stage.of(principal) for line in stage.wrong_without(right, partial(findings, right))]

    assert not silent, "\n".join(silent)


def _start(processes: Processes, principal: KafkaPrincipal, broker: SecuredBroker, folder: Path) -> ProcessUnderTest:
    ports = dict.fromkeys(("web_port", "drift_port", "trainer_port", "ledger_port", "gateway_port"), 0)
    return processes.start(
        MODULES[principal],
        **ports,
        cache_dir=folder / f"{principal.value}-cache",
        ledger_url=f"sqlite:///{folder / 'ledger.db'}",
        **broker.settings(principal.value),
    )


def _send(load: Applicants) -> None:
    load.apply(range(len(load.sent), len(load.sent) + 5))
    load.send(b"rubbish", b"{}")
    load.flush()


def _wrong(process: ProcessUnderTest, right: AccessRight, send: Callable[[], None]) -> list[str]:
    send()
    try:
        wait_for(lambda: not process.alive(), WITHIN_S, "the end")
    except AssertionError:
        process.stop()
        return [f"{right}: goes on: {process.tail()}"]
    status = process.wait(1)
    said = process.output().strip().splitlines()[-1]
    if status != MISCONFIGURED or right.name not in said:
        return [f"{right}: status {status}, {said}"]
    return []


def test_every_kind_of_right_is_tried() -> None:
    tried = {right.resource for right in rights(Connection().topics()) if right.principal in MODULES}

    assert tried == set(Resource)
