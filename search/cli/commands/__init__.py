"""The subcommands of `trialbook`, each in a module of its own."""
