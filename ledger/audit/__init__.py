"""Whether the ledger holds what the topics hold: checks, hash chain, archive."""
