"""Looks for what is wrong in a home, says so in words, and mends what has one right answer."""
