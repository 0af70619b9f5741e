"""How benchmarks measure: in turn, by the clock; and in a process of its own, where that matters."""
