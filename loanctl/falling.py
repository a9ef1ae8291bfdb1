"""Whether what became of a champion's loans asks for a challenger, and by which command.

Pure: observed figures in, a command or none out. What the figures are: `drift.performance`. A champion
has fallen where its AUC lies under a floor with its whole interval: chance alone asks for nothing.
"""

import hashlib
from datetime import datetime

from drift.performance import Observed
from schemas.events import RetrainCause, RetrainCommand
from scorecard.cache import Registered


def fallen(observed: Observed | None, least_auc: float) -> bool:
    """Whether the AUC is surely under this; not where nobody can say."""
    return observed is not None and observed.auc is not None and observed.auc.high < least_auc


def told(version: str, observed: Observed | None) -> str:
    """The AUC in words."""
    if observed is None or observed.auc is None:
        known = "no loan's end is known" if observed is None else f"{observed.n} known ends of loans are too few"
        return f"AUC of version {version} cannot be observed: {known}"
    area = observed.auc
    return f"AUC of version {version} is {area.value:.3f} ({area.low:.3f} to {area.high:.3f}) on {observed.n} loans"


def command_id(product: str, champion: Registered, observed: Observed, least_auc: float) -> str:
    """Names the finding: of one champion under one floor once, and again when known ends have passed a power of two.

    So what asks every night asks no more often than there is much new to learn from, whatever the answer was.
    """
    finding = "\x1f".join((product, champion.digest, repr(least_auc), str(observed.n.bit_length())))
    return f"performance-{hashlib.sha256(finding.encode()).hexdigest()[:24]}"


def command(product: str, champion: Registered, observed: Observed, least_auc: float, now: datetime) -> RetrainCommand:
    """What a fallen champion asks for."""
    return RetrainCommand(
        command_id=command_id(product, champion, observed, least_auc),
        product=product,
        cause=RetrainCause.PERFORMANCE,
        why=f"{told(champion.version, observed)}, surely under {least_auc:g}",
        champion_version=champion.version,
        champion_digest=champion.digest,
        reference_id="",
        window_start=None,
        window_end=None,
        issued_at=now,
    )
