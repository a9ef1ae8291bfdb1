"""The gateway's process: `python -m gateway`. Its exit status: `streams.runtime.process`."""

import sys

from streams.runtime.stop_signal import StopSignal


def main() -> int:
    """Run until a stop is requested; returns the exit status."""
    stop = StopSignal()
    # Loading what the process is made of takes seconds: a stop takes effect meanwhile.
    from gateway.process import GatewayProcess
    from gateway.settings import GatewaySettings
    from streams.runtime import logs
    from streams.runtime.process import exit_status

    def run() -> None:
        settings = GatewaySettings.read()
        logs.configure(settings.log_level, "gateway")
        GatewayProcess(settings).run(stop)

    return exit_status("gateway", run)


if __name__ == "__main__":
    sys.exit(main())
