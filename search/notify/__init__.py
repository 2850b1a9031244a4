"""Tells a person far away of what happens in a study."""
