"""The tools hwq calls: where they are, which version, what to install."""
