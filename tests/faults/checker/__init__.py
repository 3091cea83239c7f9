"""Many requests while everything breaks, and then the question whether each had exactly one effect."""
