"""What Optuna holds: studies, trials and their attributes, written and read in one place."""
