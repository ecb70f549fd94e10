"""Planners, one engine a file: which layers an engine takes, and how."""
