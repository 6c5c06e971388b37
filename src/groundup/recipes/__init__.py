"""Floor 11: recipes that turn data and models into trained models."""
