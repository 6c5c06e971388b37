"""Floor 6: kernels, profiling, energy and launchers."""
