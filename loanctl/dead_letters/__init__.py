"""Dead letters listed, shown and redriven."""
