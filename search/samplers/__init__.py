"""Which configuration a trial tries next."""
