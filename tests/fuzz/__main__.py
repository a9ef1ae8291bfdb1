"""`python -m tests.fuzz TARGET [options of libFuzzer]`: fuzzes one target by coverage with atheris, from its corpus on.

What raises another error than the target allows is written to the corpus as a case, and `make unit` runs it from then
on. Kernels run as plain Python here: a read beyond an array is an IndexError then, and no crash.
"""

import os
import sys
from pathlib import Path

CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    """Runs until its options end it, or a case is found."""
    os.environ["NUMBA_DISABLE_JIT"] = "1"
    import atheris

    with atheris.instrument_imports(include=["schemas", "scorecard"]):
        from tests.fuzz.targets import TARGETS

    name, *options = sys.argv[1:]
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    found = Path("build/fuzz") / name
    found.mkdir(parents=True, exist_ok=True)
    # New inputs that reach more go to build/, where nobody commits thousands of them by accident.
    atheris.Setup([sys.argv[0], str(found), str(corpus), f"-artifact_prefix={corpus}/found-", *options], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
