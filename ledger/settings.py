"""Settings of the ledger."""

from pathlib import Path

from pydantic import NonNegativeInt, PositiveInt, SecretStr

from streams.runtime.health_server import LOOPBACK
from streams.runtime.settings import Connection


class LedgerConnection(Connection):
    """Address of the ledger's database, for all its readers."""

    ledger_url: SecretStr = SecretStr("sqlite:///loan-ledger.db")
    """Database of the ledger: `sqlite:///PATH` or `postgresql://USER:PASSWORD@HOST/DATABASE`."""


class LedgerSettings(LedgerConnection):
    """Settings of the ledger's process; frozen once read."""

    ledger_migrate: bool = True
    """Bring the tables up to date at start; otherwise `loanctl ledger migrate` does."""
    ledger_anchors: str = ""
    """Folder or URL (`s3://BUCKET/PATH`) where the ledger writes the hash chain's last links each day, as
    `loanctl ledger anchor` does; best where its own database's writers may not write. Empty: it writes none."""
    ledger_batch_records: PositiveInt = 5_000
    """Most records of one transaction."""
    ledger_instance_id: str = ""
    """Name in the consumer group, stable over restarts; empty for the host's name and a number."""
    cache_dir: Path = Path("~/.cache/loan-decisions")
    web_host: str = LOOPBACK
    ledger_port: NonNegativeInt = 8105
    """0 for a free one."""

    def group(self) -> str:
        return f"{self.topics().decisions.name}.ledger"

    def cache(self) -> Path:
        """Folder in which the instance's name is locked."""
        return self.cache_dir.expanduser()
