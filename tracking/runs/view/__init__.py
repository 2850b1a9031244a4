"""What MLflow's pages show of a study first: a saved view, its address, names and notes."""
