"""`loanctl audit`: an id stands where a sub-command may."""

import pytest
import typer
from typer.testing import CliRunner

from loanctl.commands.decisions.audit import AuditGroup
from loanctl.console import echo


@pytest.fixture
def app() -> typer.Typer:
    group = typer.Typer(cls=AuditGroup)

    @group.command()
    def show(application_id: str, as_json: bool = typer.Option(False, "--json")) -> None:
        echo(f"show {application_id} {as_json}")

    @group.command()
    def log(last: int = 3) -> None:
        echo(f"log {last}")

    return group


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (["a-1"], "show a-1 False"),
        (["a-1", "--json"], "show a-1 True"),
        (["--json", "a-1"], "show a-1 True"),
        (["show", "a-1"], "show a-1 False"),
        (["show", "log"], "show log False"),
        (["log"], "log 3"),
        (["log", "--last", "5"], "log 5"),
    ],
)
def test_what_is_no_sub_command_is_an_application(app: typer.Typer, line: list[str], told: str) -> None:
    ran = CliRunner().invoke(app, line)

    assert (ran.exit_code, ran.output.strip()) == (0, told)


def test_help_names_the_sub_commands(app: typer.Typer) -> None:
    ran = CliRunner().invoke(app, ["--help"])

    assert ran.exit_code == 0
    assert "log" in ran.output
