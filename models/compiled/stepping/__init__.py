"""Steps of a training: an optimizer's rule, rows of tables, shares of a batch, threads."""
