"""Floor 13: retrieval, grounded answers, evals and gates."""
