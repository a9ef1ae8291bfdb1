"""The contract of applications: fields, their roles and rules, reasons, fingerprint."""
