"""What a user asks for: a study's settings, checked and kept as plain values."""
