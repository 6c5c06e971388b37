"""Ground: sourced facts, units and estimates with intervals; nothing else."""
