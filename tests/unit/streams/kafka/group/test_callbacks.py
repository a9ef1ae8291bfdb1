import subprocess
import sys

WITHIN_S = 60


def test_callbacks_that_follow_an_assignment_in_the_same_call_do_not_abort_the_process() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.unit.streams.kafka.group.member_of_mock"],
        capture_output=True,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )

    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, ["alive"]), ran.stderr
