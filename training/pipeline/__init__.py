"""From rows to a scorecard."""
