"""The child process that trains trials.

The study's own process imports from here only the messages and what needs no Keras.
"""
