"""Figures of studies and trials: some modules compute what a figure shows, others draw it."""
