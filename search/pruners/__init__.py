"""Pruners: they end a running trial that others are ahead of."""
