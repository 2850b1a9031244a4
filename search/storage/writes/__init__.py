"""What is written to Optuna's tables in few statements, or in one transaction."""
