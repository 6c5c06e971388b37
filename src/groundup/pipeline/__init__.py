"""run: steps, content-addressed artifacts, lineage, gates and resume."""
