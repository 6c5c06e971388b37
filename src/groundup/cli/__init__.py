"""The roof: commands, nothing but argument parsing, progress and printing."""
