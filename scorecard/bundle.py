"""A scorecard on disk: plain arrays, JSON, and a digest over all of it. No pickle is ever read.

| file            | holds |
| --------------- | --- |
| `forest.npz`    | the forest's arrays |
| `scorecard.json`| name, family, contract, features, calibration, cut-offs, reason baseline |
| `profile.json`  | the reference population |
| `rows.npz`      | applicants with the answers expected of this scorecard; training draws them from the profile |
| `fitted.npz`    | who the forest and what follows it were made of, as numbers; bundles of before have none |
| `MANIFEST.json` | SHA-256 of each file; the bundle's digest is the SHA-256 of this one |
| `MANIFEST.sig`  | a signature of the manifest, where its trainer has a key: `scorecard.registry.signatures` |

Reading checks bytes before it parses them: parsers of model files are not safe against damage.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from schemas.applications import Matrix
from schemas.contract.contract import Contract
from schemas.errors import SetupError
from schemas.events.decisions import ContributionSpace
from scorecard.array_archive import pack, unpack
from scorecard.calibration import Calibration, calibration_of
from scorecard.features import COMPUTED, FeatureSpace
from scorecard.forest.explainer import Explainer
from scorecard.forest.forest import Forest
from scorecard.policy import Policy
from scorecard.profile import Profile
from scorecard.reasons import ReasonBook
from scorecard.scorecard import Scorecard, Scores

FORMAT: Final = 1
MANIFEST: Final = "MANIFEST.json"
FILES: Final = ("forest.npz", "profile.json", "rows.npz", "scorecard.json")
FITTED: Final = "fitted.npz"
EXPECTED_ANSWERS: Final = ("probability", "margin", "contributions")
EXPECTED_ROWS: Final = 32
"""Enough to meet every feature's usual values, few enough to score at every swap."""
TOLERANCE: Final = 1e-9
"""Between the answers of the machine that trained and of this one: summation order alone may differ."""


Identities = npt.NDArray[np.uint64]
"""Of applications: digests of their ids, or of what they hold."""


class BundleError(SetupError):
    """A bundle that must not decide: damaged, of another contract, or with other answers than it promised."""


class SignatureError(BundleError):
    """It has no signature of those whose signature is asked for; see `scorecard.registry.signatures`."""

    def __init__(self, digest: str, problem: str) -> None:
        super().__init__(f"bundle {digest[:12]} {problem}")


class AlteredBundleError(BundleError):
    """It was read, and its bytes are proven to be others than were written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorecardParts:
    """Output of a training; `scorecard_of` makes it one value that scores."""

    name: str
    family: str
    space: ContributionSpace
    features: FeatureSpace
    forest: Forest
    calibration: Calibration
    policy: Policy
    reason_baseline: npt.NDArray[np.float64]
    """Shape (features,)."""
    profile: Profile
    typical: npt.NDArray[np.float64] | None = None
    """Median of each feature among the just approved, NaN for a category, shape (features,); None in bundles of before:
    then no reason states a direction."""


def scorecard_of(parts: ScorecardParts, contract: Contract, digest: str = "") -> Scorecard:
    """The scorecard that these parts make up.

    Raises:
        ForestError: the forest's arrays are not those of trees.
        ReasonlessError: a feature has no reason text.
    """
    parts.forest.check()
    return Scorecard(
        name=parts.name,
        family=parts.family,
        space=parts.space,
        contract_fingerprint=contract.fingerprint,
        features=parts.features,
        forest=parts.forest,
        explainer=Explainer(parts.forest, parts.features.groups, len(parts.features.names)),
        calibration=parts.calibration,
        policy=parts.policy,
        reasons=ReasonBook.of(parts.features.fields, parts.reason_baseline, parts.typical),
        profile=parts.profile,
        digest=digest,
    )


def write(
    parts: ScorecardParts, contract: Contract, values: Matrix, folder: Path, fitted: Identities | None = None
) -> str:
    """Saves a bundle and returns its digest; the same parts and rows give the same digest.

    Args:
        contract: what it was trained for.
        values: scorable applicants, shape (n, observed); the first `EXPECTED_ROWS` are kept with their answers.
        folder: made where it is not there.
        fitted: identities of the applications that it was made of, shape (m,), in any order.
    """
    scores = scorecard_of(parts, contract).score(values[:EXPECTED_ROWS])
    contents = {
        "forest.npz": pack({item.name: getattr(parts.forest, item.name) for item in fields(Forest)}),
        "profile.json": _canonical(parts.profile.to_dict()),
        "rows.npz": pack(
            {
                "values": values[:EXPECTED_ROWS],
                "probability": scores.probability,
                "margin": scores.margin,
                "contributions": scores.contributions,
            }
        ),
        "scorecard.json": _canonical(_description(parts, contract)),
    }
    if fitted is not None:
        contents[FITTED] = pack({"fitted": np.sort(fitted)})
    manifest = _canonical({"format": FORMAT, "files": {name: _sha256(data) for name, data in contents.items()}})
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in {**contents, MANIFEST: manifest}.items():
        (folder / name).write_bytes(data)
    return _sha256(manifest)


def read(folder: Path, contract: Contract, expected_digest: str = "") -> Scorecard:
    """The scorecard of a bundle, after its bytes, arrays and answers were checked.

    Args:
        folder: where `write` put it.
        contract: what this process decides on.
        expected_digest: the registry's or an announcement's; empty to accept any.

    Raises:
        BundleError: it must not decide; gives the reason.
    """
    contents, digest = _verify(folder)
    if expected_digest and digest != expected_digest:
        problem = f"{folder.name}: digest {digest[:12]} is not the {expected_digest[:12]} that was announced"
        raise BundleError(problem)
    try:
        scorecard = scorecard_of(_parts(contents, contract), contract, digest)
        _refuse_other_answers(scorecard, contract, contents["rows.npz"])
    except (LookupError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as cause:
        problem = f"{folder.name}: the bundle is malformed ({type(cause).__name__})"
        raise BundleError(problem) from cause
    return scorecard


def training_identities(folder: Path) -> Identities | None:
    """Identities of the applications that a bundle was trained on, sorted; None if it does not have them.

    Raises:
        BundleError: it is damaged.
    """
    data = _verify(folder)[0].get(FITTED)
    return None if data is None else np.asarray(unpack(data, ["fitted"])["fitted"])


def digest_of(folder: Path) -> str:
    """The digest of a saved bundle, its files checked.

    Raises:
        AlteredBundleError: a file is altered.
        BundleError: a file is absent or cannot be read, or the format is another version's.
    """
    return _verify(folder)[1]


def _verify(folder: Path) -> tuple[Mapping[str, bytes], str]:
    try:
        manifest = (folder / MANIFEST).read_bytes()
        promised = json.loads(manifest)
        promised_files = dict(promised["files"])
        names = (*FILES, FITTED) if FITTED in promised_files else FILES
        contents = {name: (folder / name).read_bytes() for name in names}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as cause:
        problem = f"{folder.name}: the bundle lacks a file or its manifest ({type(cause).__name__})"
        raise BundleError(problem) from cause
    if promised.get("format") != FORMAT:
        problem = f"{folder.name}: bundle format {promised.get('format')!r}, this version reads {FORMAT}"
        raise BundleError(problem)
    altered = [name for name, data in contents.items() if promised_files.get(name) != _sha256(data)]
    if altered:
        problem = f"{folder.name}: {', '.join(altered)} is not what the manifest says"
        raise AlteredBundleError(problem)
    return contents, _sha256(manifest)


def _description(parts: ScorecardParts, contract: Contract) -> Mapping[str, Any]:
    return {
        "name": parts.name,
        "family": parts.family,
        "space": parts.space.value,
        "product": contract.product,
        "contract_fingerprint": contract.fingerprint,
        "contract_fields": contract.field_digests,
        **parts.features.to_dict(),
        "calibration": parts.calibration.to_dict(),
        "approve_below": parts.policy.approve_below,
        "decline_from": parts.policy.decline_from,
        "reason_baseline": parts.reason_baseline.tolist(),
        "typical": _nullable(parts.typical),
    }


def _parts(contents: Mapping[str, bytes], contract: Contract) -> ScorecardParts:
    described = json.loads(contents["scorecard.json"])
    if not contract.serves(described["contract_fingerprint"], described.get("contract_fields", ())):
        problem = (
            f"scorecard {described['name']} was made for another application schema of "
            f"{described['product']}; train one for this schema"
        )
        raise BundleError(problem)
    features = FeatureSpace.of(
        contract,
        described["features"],
        described.get("scored_as", {}),
        described["columns"],
        exact_ratios=described.get("ratios") == COMPUTED,
    )
    return ScorecardParts(
        name=described["name"],
        family=described["family"],
        space=ContributionSpace(described["space"]),
        features=features,
        forest=_forest(contents["forest.npz"]),
        calibration=calibration_of(described["calibration"]),
        policy=Policy(described["approve_below"], described["decline_from"]),
        reason_baseline=np.array(described["reason_baseline"], dtype=np.float64),
        profile=Profile.from_dict(json.loads(contents["profile.json"])),
        typical=_numbers(described.get("typical")),
    )


def _forest(data: bytes) -> Forest:
    arrays: dict[str, Any] = dict(unpack(data, [item.name for item in fields(Forest)]))
    return Forest(**{**arrays, "base": float(arrays["base"]), "columns": int(arrays["columns"])})


def _refuse_other_answers(scorecard: Scorecard, contract: Contract, data: bytes) -> None:
    rows = unpack(data, ["values", *EXPECTED_ANSWERS])
    values = np.full((len(rows["values"]), len(contract.observed)), np.nan)
    # The contract may have fields that this scorecard's had not.
    values[:, [contract.position[each.name] for each in scorecard.profile.features]] = rows["values"]
    scores: Scores = scorecard.score(values)
    for name in EXPECTED_ANSWERS:
        if not np.allclose(getattr(scores, name), rows[name], rtol=TOLERANCE, atol=TOLERANCE):
            problem = f"scorecard {scorecard.name}: {name} of its own test rows is not what training promised"
            raise BundleError(problem)


def _nullable(numbers: npt.NDArray[np.float64] | None) -> list[float | None] | None:
    # JSON has no NaN.
    return None if numbers is None else [None if np.isnan(number) else float(number) for number in numbers]


def _numbers(found: list[float | None] | None) -> npt.NDArray[np.float64] | None:
    return None if found is None else np.array(found, dtype=np.float64)


def _canonical(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, indent=1).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
