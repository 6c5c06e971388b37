"""Floor 4: links, topologies, collectives, congestion and optics."""
