"""Exit codes of the command."""

GOOD = 0
MISMATCH = 1
"""Something differs from what it must equal."""
BAD_INPUT = 2
"""The user's files, options or tools are not as they should be."""
BUG = 70
"""hwq itself is at fault."""
INTERRUPTED = 130
BROKEN_PIPE = 141
