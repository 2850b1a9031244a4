"""What a trial and a study will cost."""
