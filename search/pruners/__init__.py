"""Pruners: they end an unpromising trial early."""
