"""The order in which files of tests begin."""

from pathlib import Path

from tests import conftest


def test_each_long_file_is_there():
    """A file that is renamed would begin last, and nobody would see why the suite takes longer."""
    files = {path.stem.removeprefix("test_") for path in conftest.SYSTEM.glob("test_*.py")}

    assert set(conftest.LONGEST) <= files


def test_long_files_begin_first_then_those_with_a_broker_then_slow_ones():
    quick, slow = Path(__file__), Path(__file__).with_name("test_slow.py")
    files = [quick, slow, conftest.SYSTEM / "test_lag.py", conftest.SYSTEM / "test_demo.py"]

    assert sorted(files, key=lambda path: conftest.turn(path, {slow})) == files[::-1]
