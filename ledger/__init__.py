"""The topics as tables and files: SQL, Parquet, hash chain."""
