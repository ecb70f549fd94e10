"""Layers on an accelerator: order, addresses, exact cycles, descriptors and images."""
