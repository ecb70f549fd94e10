"""Certificates of accumulators: what a layer's sums can reach, in the order in which they are made."""
