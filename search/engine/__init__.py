"""Where trials run when one process is not enough: workers on a cluster of another engine."""
