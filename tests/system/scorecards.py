"""Champions for tests: real bundles of a one-question forest, registered as training registers its own."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from schemas.contract.contract import Contract
from scorecard import bundle
from scorecard.registry import signatures
from scorecard.registry.model_registry import ModelRegistry
from scorecard.registry.registered_version import RegisteredVersion
from streams.kafka.producer.event_publisher import EventPublisher
from streams.runtime.settings import Connection
from tests.builders import CONTRACT, a_stump_forest, feature_space, scorecard_parts, some_values
from tests.drift_events import ANNOUNCEMENT


class Champions:
    """Registers, promotes and announces scorecards in one test's MLflow."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        self._places: dict[str, Path] = {}
        self.registry = ModelRegistry(connection.mlflow_uri, connection.registered_model(), folder / "maker-cache")

    def register(
        self, decline_at: float = 1.0, contract: Contract = CONTRACT, key: Path | None = None, **parts: Any
    ) -> RegisteredVersion:
        """A version whose risky applicants have this margin, signed by the key; margins tell versions apart."""
        space = feature_space(contract)
        column = space.columns.index("loan_percent_income")
        forest = a_stump_forest(column, 0.25, -2.0, decline_at, len(space.columns))
        place = self._folder / f"model-{decline_at}"
        digest = bundle.write(
            scorecard_parts(contract, **{"forest": forest, **parts}),
            contract,
            some_values(contract=contract),
            place / "artifacts" / "bundle",
        )
        if key is not None:
            signatures.sign(place / "artifacts" / "bundle", signatures.signing_key(key))
        registered = self.registry.register(place.as_uri(), "", {"digest": digest, "family": "xgboost"})
        self._places[registered.digest] = place
        return registered

    def source(self, registered: RegisteredVersion) -> str:
        return self._places[registered.digest].as_uri()

    def promote(self, registered: RegisteredVersion) -> RegisteredVersion:
        """It decides from now on, says the alias."""
        self.registry.point("champion", registered.version)
        return registered

    def challenge(self, registered: RegisteredVersion) -> RegisteredVersion:
        self.registry.point("challenger", registered.version)
        return registered

    def damage(self, decline_at: float) -> None:
        path = self._folder / f"model-{decline_at}" / "artifacts" / "bundle" / "forest.npz"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))

    def announce(self, registered: RegisteredVersion) -> None:
        product = self._connection.contract().product
        with EventPublisher(self._connection, "/tests") as publisher:
            publisher.publish(
                self._connection.topics().champions,
                product,
                replace(
                    ANNOUNCEMENT,
                    product=product,
                    name=registered.name,
                    version=registered.version,
                    digest=registered.digest,
                    announced_at=datetime.now(UTC),
                ),
            )
