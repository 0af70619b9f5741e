"""Schedules of the reversal of loops, as integers: what is stored, taped and evaluated again, and when."""
