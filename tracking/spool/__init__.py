"""A record that waits on disk until MLflow has it, so that no trial waits for MLflow."""
