"""Doors to what apps use already; each module needs the extra of its name."""
