"""The stack file: composes each layer's own config."""
