"""What was decided of a study, how sure that is, and what is written of it."""
