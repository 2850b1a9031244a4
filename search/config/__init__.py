"""The settings of a study, checked and kept as plain values."""
