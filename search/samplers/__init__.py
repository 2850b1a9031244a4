"""Samplers: they choose which configuration a trial tries next."""
