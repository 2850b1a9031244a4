"""Estimates what a study costs in time, memory and disk."""
