"""Rows through a network: predictions, and gradients back to the tables."""
