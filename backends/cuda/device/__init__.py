"""The device as generated programs meet it: memory, arrays, launches, graphs, checks."""
