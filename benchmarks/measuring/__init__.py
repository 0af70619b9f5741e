"""What benchmarks measure, and how: in a process of its own, where that matters."""
