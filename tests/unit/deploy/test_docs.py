"""The site is built without a warning, knows every setting and command, and asks nothing of another server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from loanctl.cli import COMMANDS
from loanctl.commands.cluster.settings import env_example

ROOT = Path(__file__).resolve().parents[3]
FETCHED = re.compile(r"""<(?:script|link|img|iframe)[^>]*(?:src|href)=["']?(https?:)?//""")


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Strict: a dead link, a dead anchor or a page outside the navigation is a failure.
    assert built.returncode == 0, built.stdout + built.stderr
    return folder


def test_every_setting_and_command_has_its_line(site: Path) -> None:
    settings = (site / "reference" / "settings" / "index.html").read_text(encoding="utf-8")
    commands = (site / "reference" / "commands" / "index.html").read_text(encoding="utf-8")
    from_environment_only = {"LOAN_STATE_DIR"}

    assert set(re.findall(r"^#(LOAN_\w+)=", env_example(), re.MULTILINE)) - from_environment_only <= set(
        re.findall(r"LOAN_\w+", settings)
    )
    assert all(f"loanctl {line.name}" in commands for line in COMMANDS)


def test_every_topic_has_who_writes_and_who_reads_it_and_every_operation_its_line(site: Path) -> None:
    events = (site / "reference" / "events" / "index.html").read_text(encoding="utf-8")
    http = (site / "reference" / "http" / "index.html").read_text(encoding="utf-8")
    rows = re.findall(r"<tr>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>\s*<td>(.*?)</td>", events, re.DOTALL)

    assert len(rows) > 12
    assert [row for row in rows if not all(row)] == []
    assert "POST /predict/batch" in http


def test_a_page_fetches_nothing_from_another_server(site: Path) -> None:
    pages = list(site.rglob("*.html"))

    assert len(pages) > 10
    assert [page.name for page in pages if FETCHED.search(page.read_text(encoding="utf-8"))] == []
