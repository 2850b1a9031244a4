"""A database on a server: how connections to it are set up."""
