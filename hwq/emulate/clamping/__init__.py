"""Sums that may leave their width, in the accelerator's order, sixteen channels and more at a time."""
