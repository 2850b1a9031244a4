"""The exit codes of every command; apart from `common`, so that `--help` need not import that."""

# An exception names its own: 71 where no training process lives, 75 for a disk or a database.
DONE, DOES_NOT_HOLD, MISTAKE, OUR_FAILURE, INTERRUPTED, NOBODY_READS = 0, 1, 2, 70, 130, 141
