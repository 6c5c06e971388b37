"""groundup: the AI stack from the ground up, fourteen layers in one package."""

__version__ = "0.1.0"
