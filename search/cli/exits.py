"""The exit codes of every command; apart from `common`, so that `--help` need not import that."""

DONE, DOES_NOT_HOLD, MISTAKE, OUR_FAILURE, INTERRUPTED, NOBODY_READS = 0, 1, 2, 70, 130, 141
