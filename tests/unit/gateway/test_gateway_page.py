"""The page on the gateway: its example runs as it stands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.gateway.browser import served_desk

PAGE = Path(__file__).resolve().parents[3] / "docs" / "gateway.md"


def test_the_example_of_curl_is_answered_with_a_decision() -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl, which this machine has not")
    [example] = re.findall(r"```sh\n(curl.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)

    with served_desk() as (url, _):
        command = example.replace("http://127.0.0.1:8104", url)
        ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60, check=True)

    assert '"outcome":"APPROVE"' in ran.stdout
