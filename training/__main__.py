"""The trainer's process: `python -m training`. Its exit status: `streams.runtime.process`."""

import os
import sys
import threading

from streams.runtime.stop_signal import StopSignal


def main() -> int:
    """Run until a stop is requested; returns the exit status."""
    stop = StopSignal()
    # Loading what the process is made of takes seconds: a stop takes effect meanwhile.
    from streams.runtime.process import exit_status
    from training.service.process import run

    status = exit_status("trainer", lambda: run(stop))
    if any(thread.name == "training" and thread.is_alive() for thread in threading.enumerate()):
        # A fit cannot be interrupted, and a library that computes while the interpreter ends crashes it.
        sys.stderr.flush()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(main())
