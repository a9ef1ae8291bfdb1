"""Settings of those who load scorecards: where bundles are kept, and whose signature they must have."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from streams.runtime.settings import Connection

if TYPE_CHECKING:
    # Bundles come with the kernels' compiler, a second of every start: for those who fetch one.
    from scorecard.registry.bundle_cache import BundleCache
    from scorecard.registry.model_registry import ModelRegistry


class ModelSettings(Connection):
    """What an operator may set of any process that loads scorecards."""

    cache_dir: Path = Path("~/.cache/loan-decisions")
    trusted_keys: Path | None = None
    """Public keys (PEM), a file or a folder of `*.pem`: a scorecard that none of them has signed is refused. Empty: no
    signature is needed. Set it for all processes that load scorecards."""

    def cache(self) -> Path:
        """Where bundles are kept between restarts."""
        return self.cache_dir.expanduser()

    def bundle_cache(self) -> "BundleCache":
        """Bundles at hand that may decide.

        Raises:
            KeyFileError: the trusted keys cannot be read.
        """
        from scorecard.registry.bundle_cache import BundleCache

        return BundleCache(self.cache(), of=self.mlflow_uri, require_signature=self._signature_check())

    def model_registry(self) -> "ModelRegistry":
        """The registered model of the product. It alone fetches, so that no unsigned bundle gets past it.

        Raises:
            KeyFileError: the trusted keys cannot be read.
        """
        from scorecard.registry.model_registry import ModelRegistry

        return ModelRegistry(
            self.mlflow_uri, self.registered_model(), self.cache(), require_signature=self._signature_check()
        )

    def _signature_check(self) -> Callable[[Path, str], None]:
        from scorecard.registry.bundle_cache import take_all

        if self.trusted_keys is None:
            return take_all
        # Cryptography costs a process 10 MB, for those who ask for signatures alone.
        from scorecard.registry.signatures import TrustedKeys

        return TrustedKeys.read(self.trusted_keys.expanduser()).require
