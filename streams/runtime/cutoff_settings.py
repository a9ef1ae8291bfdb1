"""The operator's cut-offs, for all processes that decide, or compare decisions."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from scorecard.policy import Policy
from streams.runtime.model_settings import ModelSettings

Probability = Annotated[float, Field(ge=0.0, le=1.0)]


class CutoffSettings(ModelSettings):
    """What an operator may set of the cut-offs in force."""

    approve_below: Probability | None = None
    """Both cut-offs together override those of the scorecard: in decisions, in what-if answers, and where the trainer
    compares decisions. Set them for all processes alike."""
    decline_from: Probability | None = None

    @model_validator(mode="after")
    def _whole_policy(self) -> Self:
        if (self.approve_below is None) != (self.decline_from is None):
            message = "approve_below and decline_from override the scorecard's cut-offs together, or not at all"
            raise ValueError(message)
        self.policy()
        return self

    def policy(self) -> Policy | None:
        """The operator's cut-offs; None for the scorecard's own."""
        if self.approve_below is None or self.decline_from is None:
            return None
        return Policy(self.approve_below, self.decline_from)
