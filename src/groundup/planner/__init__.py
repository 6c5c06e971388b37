"""plan: demand walks down, limits walk up, and every figure explains itself."""
