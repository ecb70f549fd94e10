"""Number formats, rounding, overflow and requantization: the arithmetic everything else follows."""
