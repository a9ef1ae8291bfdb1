"""The drift agent's process: `python -m drift`. Its exit status: `streams.runtime.process`."""

import sys

from streams.runtime.stop_signal import StopSignal


def main() -> int:
    """Run until a stop is requested; returns the exit status."""
    stop = StopSignal()
    # Loading what the process is made of takes seconds: a stop takes effect meanwhile.
    from drift.agent.process import run
    from streams.runtime.process import exit_status

    return exit_status("drift agent", lambda: run(stop))


if __name__ == "__main__":
    sys.exit(main())
