"""The study's side of the child process: starts it, listens to it, ends it."""
