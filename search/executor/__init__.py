"""The study's end of the child process: starts it, listens to it, ends it."""
