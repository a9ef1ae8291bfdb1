"""Tables of many applications: their drift, counted where they are."""
