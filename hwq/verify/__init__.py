"""Runs generated hardware against the emulator and finds the first difference."""
