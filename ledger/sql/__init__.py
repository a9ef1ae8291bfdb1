"""The database: connection, tables, views, migrations."""
