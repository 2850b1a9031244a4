"""One run of one study: opened or resumed, run to its target, closed."""
