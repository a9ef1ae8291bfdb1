"""The ledger's process: `python -m ledger`. Its exit status: `streams.runtime.process`."""

import sys

from streams.runtime.stop_signal import StopSignal


def main() -> int:
    """Run until a stop is requested; returns the exit status."""
    stop = StopSignal()
    # Loading what the process is made of takes seconds: a stop takes effect meanwhile.
    from ledger.process import LedgerProcess
    from ledger.settings import LedgerSettings
    from streams.runtime import logs
    from streams.runtime.process import exit_status

    def run() -> None:
        settings = LedgerSettings.read()
        logs.configure(settings.log_level, "ledger")
        LedgerProcess(settings).run(stop)

    return exit_status("ledger", run)


if __name__ == "__main__":
    sys.exit(main())
