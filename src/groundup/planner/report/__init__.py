"""A plan as one self-contained HTML page: drawings in SVG, style inside, no script needed."""
