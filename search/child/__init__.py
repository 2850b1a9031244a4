"""The child process that trains trials; nothing here is imported by the study's own process but
the messages and what needs no Keras."""
