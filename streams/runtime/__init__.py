"""What every process has: settings, lifecycle, health, logs."""
