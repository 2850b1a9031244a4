"""Fetch published data sets: a catalogue of them, the download, and the cache folder."""
