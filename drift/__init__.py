"""How far the applicants have moved, and whether to retrain."""
