"""What becomes of a home: it is moved, or the tables in it are of an earlier MLflow."""
