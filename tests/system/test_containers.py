"""Where the system tests' broker runs."""

from collections.abc import Callable

import docker
import pytest

from tests.system.containers import IMAGE, in_container


class Images:
    def __init__(self, *tags: str) -> None:
        self._tags = tags

    def get(self, tag: str) -> str:
        if tag not in self._tags:
            raise docker.errors.ImageNotFound(tag)
        return tag


class Engine:
    def __init__(self, *tags: str) -> None:
        self.images = Images(*tags)


def no_engine() -> Engine:
    raise docker.errors.DockerException


@pytest.mark.parametrize(
    ("engine", "chosen", "container"),
    [
        (lambda: Engine(IMAGE), "", True),
        (lambda: Engine("apache/kafka:another"), "", False),
        (no_engine, "", False),
        (lambda: Engine(IMAGE), "embedded", False),
        (no_engine, "container", True),
    ],
)
def test_the_broker_runs_in_a_container_where_an_engine_has_its_image_or_as_chosen(
    engine: Callable[[], Engine], chosen: str, container: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "from_env", engine)

    assert in_container({"LOAN_TEST_BROKER": chosen}) is container
