"""How the record differs from Optuna's storage, and what mends it."""
