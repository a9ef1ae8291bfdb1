"""Keys of sealed applications in a database: issued once, erased for good."""

import subprocess
import sys

import pytest

from schemas.codec.sealed_records import KEY_BYTES, without_keys
from streams.runtime.application_keys import application_keys
from streams.runtime.key_database import ApplicationKeys, ErasedError, KeysAwayError, KeysSetupError
from streams.runtime.settings import Connection


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'keys.db'}"


def test_an_application_has_one_key_whoever_asks(url):
    one, other = ApplicationKeys(url), ApplicationKeys(url)

    key = one.issue("a-1")

    assert len(key) == KEY_BYTES
    assert other.issue("a-1") == key
    assert other.keys(["a-1", "a-2"]) == {"a-1": key}
    assert one.issue("a-2") != key


def test_an_erased_key_is_in_no_answer_and_in_no_file_and_its_id_takes_no_other(url, tmp_path):
    keys = ApplicationKeys(url)
    key = keys.issue("a-1")
    assert any(key in path.read_bytes() for path in tmp_path.iterdir())

    assert keys.erase("a-1")

    assert keys.keys(["a-1"]) == {}
    assert not keys.erase("a-1")
    assert not any(key in path.read_bytes() for path in tmp_path.iterdir())
    with pytest.raises(ErasedError, match="a-1 were erased"):
        keys.issue("a-1")


def test_more_ids_than_a_query_takes_are_asked_for_in_several(url):
    keys = ApplicationKeys(url)
    issued = {f"a-{number}": keys.issue(f"a-{number}") for number in (0, 700, 1_400)}

    assert keys.keys([f"a-{number}" for number in range(1_500)]) == issued


def test_a_database_that_is_away_is_an_outage_and_a_wrong_address_a_setup_fault():
    with pytest.raises(KeysAwayError):
        ApplicationKeys("postgresql://u:hush@127.0.0.1:9/keys?connect_timeout=1").keys(["a-1"])
    with pytest.raises(KeysSetupError) as fault:
        ApplicationKeys("mysql://u:hush@host/keys")
    assert "hush" not in str(fault.value)


def test_a_process_without_a_database_opens_nothing(url):
    assert application_keys(Connection(_env_file=None)) is without_keys
    assert application_keys(Connection(_env_file=None, keys_url=url))(["a-1"]) == {}


@pytest.mark.slow
def test_worker_and_drift_agent_load_a_database_library_only_for_keys() -> None:
    code = "import sys, streams.worker.process, drift.agent.process; sys.stdout.write(str('sqlalchemy' in sys.modules))"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout

    assert loaded == "False"
