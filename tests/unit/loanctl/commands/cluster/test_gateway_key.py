"""A caller's key: printed once, or written to a file of its own."""

from pathlib import Path

from typer.testing import CliRunner

from gateway.access.api_keys import key_digest, read_keys
from loanctl.commands.cluster.gateway import app


def test_a_key_goes_to_its_file_alone_and_a_second_call_leaves_it(tmp_path: Path) -> None:
    keys, own = tmp_path / "keys", tmp_path / "own"
    command = ["key", "alerts", "--role", "alertmanager", "--file", str(keys), "--if-absent", "--key-file", str(own)]

    first = CliRunner().invoke(app, command)
    key = own.read_text()
    second = CliRunner().invoke(app, command)

    assert (first.exit_code, first.output, second.exit_code) == (0, "", 0)
    assert own.read_text() == key
    assert own.stat().st_mode & 0o777 == 0o600
    assert [principal.name for digest, principal in read_keys(keys).items() if digest == key_digest(key)] == ["alerts"]
    assert key not in keys.read_text()
