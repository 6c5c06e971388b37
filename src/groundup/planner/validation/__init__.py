"""Predictions held against published measurements: rows, models by kind, scores, recorded bars."""
