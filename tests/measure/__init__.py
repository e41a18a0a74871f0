"""Measuring runs whose figures stand in docs/measurements.md. No tests: timings depend on the machine."""
