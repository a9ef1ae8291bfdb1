"""The setting of profiles: how finely the reference population is cut."""

from pydantic import field_validator

from scorecard.profile import BinPlan
from streams.runtime.model_settings import ModelSettings


class BinSettings(ModelSettings):
    """What an operator may set of processes that make profiles."""

    profile_bins: str = "10"
    """Quantile bins of a number in the profiles that are made, and of single fields or the score (probability):
    `10, person_income=20`."""

    @field_validator("profile_bins")
    @classmethod
    def _bins_are_numbers(cls, text: str) -> str:
        BinPlan.parse(text)
        return text

    def bin_plan(self) -> BinPlan:
        """How numbers are cut."""
        return BinPlan.parse(self.profile_bins)
