"""Spans of OpenTelemetry: optional, and imported only where they are on."""
