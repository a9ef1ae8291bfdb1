"""What a version's tags say, so that a result can be told and a promotion finished from them alone. Pure."""

from typing import Final

COMMAND: Final = "command_id"
VERDICT: Final = "verdict"
WHY: Final = "why"
PREVIOUS: Final = "previous_version"
"""The champion that a version followed, or would follow."""
ROWS: Final = "rows"
PROMOTED_AT: Final = "promoted_at"
PROMOTED_WHY: Final = "promoted_why"
METRIC: Final = "metric."
"""Before a figure's name."""
