"""The scoring worker's process: `python -m streams`. Its exit status: `streams.runtime.process`."""

import sys

from streams.runtime.stop_signal import StopSignal


def main() -> int:
    """Run until a stop is requested; returns the exit status."""
    stop = StopSignal()
    # Loading what the process is made of takes seconds: a stop takes effect meanwhile.
    from streams.runtime import logs
    from streams.runtime.process import exit_status
    from streams.worker.process import ScoringProcess
    from streams.worker.settings import ScoringSettings

    def run() -> None:
        settings = ScoringSettings.read()
        logs.configure(settings.log_level, "scoring-worker")
        ScoringProcess(settings).run(stop)

    return exit_status("scoring worker", run)


if __name__ == "__main__":
    sys.exit(main())
