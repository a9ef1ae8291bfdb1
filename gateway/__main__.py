"""The gateway's process: `python -m gateway`.

Exit status: 0 when told to stop, 1 for a crash (a supervisor starts it again), 2 for a fault in how it is set up.
"""

import sys
from typing import Final

from gateway.process import GatewayProcess
from gateway.settings import GatewaySettings
from schemas.errors import SetupError
from streams.runtime import logs

MISCONFIGURED: Final = 2


def main() -> int:
    """Run until told to stop; the exit status."""
    try:
        settings = GatewaySettings.read()
        logs.configure(settings.log_level, "gateway")
        GatewayProcess(settings).run()
    except SetupError as fault:
        sys.stderr.write(f"gateway: {fault}\n")
        return MISCONFIGURED
    return 0


if __name__ == "__main__":
    sys.exit(main())
