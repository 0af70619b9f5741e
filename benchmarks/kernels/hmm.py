"""The likelihood of what a hidden Markov model showed: the forward algorithm, normalised in each step."""

import numpy as np

ARGNUMS = (0, 1, 2)
SIZES = (100, 1_000, 10_000, 100_000)  # steps in time
STATES, SYMBOLS = 8, 20


def hmm(start, transition, emission, observed):
    states = len(start)
    alpha = np.empty(states)
    new = np.empty(states)
    norm = 0.0
    for j in range(states):
        new[j] = start[j] * emission[j, observed[0]]
        norm += new[j]
    for j in range(states):
        alpha[j] = new[j] / norm
    total = np.log(norm)
    for t in range(1, len(observed)):
        norm = 0.0
        for j in range(states):
            reached = 0.0
            for i in range(states):
                reached += alpha[i] * transition[i, j]
            new[j] = reached * emission[j, observed[t]]
            norm += new[j]
        for j in range(states):
            alpha[j] = new[j] / norm
        total += np.log(norm)
    return total


def arguments(n):
    rng = np.random.default_rng(9)
    start = rng.dirichlet(np.ones(STATES))
    transition = rng.dirichlet(np.ones(STATES), STATES)
    emission = rng.dirichlet(np.ones(SYMBOLS), STATES)
    return start, transition, emission, rng.integers(0, SYMBOLS, n)
