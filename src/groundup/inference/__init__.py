"""Floor 12: generation, quantisation and the raw completion engine."""
