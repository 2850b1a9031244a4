"""MLflow's only home: studies and trials as runs."""
