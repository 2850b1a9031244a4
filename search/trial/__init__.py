"""One trial's life, from its proposal to its end in both stores."""
