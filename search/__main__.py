"""`python -m search` is `trialbook`."""

import os
import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line; Ctrl-C while it is still being imported ends it in a line, too."""
    try:
        from search.cli.main import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("\ntrialbook: Interrupted.\n")
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
