"""`python -m search` is `trialbook`."""

from search.cli.main import main

if __name__ == "__main__":
    main()
