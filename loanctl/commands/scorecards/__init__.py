"""Commands on scorecards: train, promote, compare, sign."""
