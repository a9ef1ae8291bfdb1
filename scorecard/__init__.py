"""What a decision is: features, forest, attribution, calibration, policy, reasons."""
