"""Trains, scores and saves Trialbook's own rating models inside a child."""
