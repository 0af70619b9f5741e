"""What the figures of the suite say: rows, bars, a chart, a page."""
