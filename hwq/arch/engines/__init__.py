"""One engine a file: its parameters, the layout of its descriptor, its latencies."""
