"""Floor 5: power, cooling, water, carbon, redundancy, siting and cost."""
