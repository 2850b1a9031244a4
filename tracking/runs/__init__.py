"""The only package that uses MLflow: it stores studies and trials as runs."""
