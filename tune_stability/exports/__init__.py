"""A study's trials as files that other programs open."""
