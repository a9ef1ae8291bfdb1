"""Commands on the system: topics, rights, schemas, settings, the local stack, the ledger."""
