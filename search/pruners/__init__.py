"""Which trial under way is ended, since others are ahead of it."""
