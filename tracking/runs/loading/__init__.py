"""Finds the models that runs keep, and brings them to this disk."""
