"""The gradient by all three tables: kept are the normalised states, their norms, and what reached each."""

import numpy as np

from . import as_generated


@as_generated
def forward(start, transition, emission, observed, reached, alphas, norms):
    states = len(start)
    for t in range(len(observed)):
        norm = 0.0
        for j in range(states):
            total = 0.0
            if t == 0:
                total = start[j]
            else:
                for i in range(states):
                    total += alphas[t - 1, i] * transition[i, j]
            reached[t, j] = total
            alphas[t, j] = total * emission[j, observed[t]]
            norm += alphas[t, j]
        norms[t] = norm
        for j in range(states):
            alphas[t, j] /= norm


@as_generated
def hmm(start, transition, emission, observed):
    steps, states = len(observed), len(start)
    reached, alphas, norms = np.empty((steps, states)), np.empty((steps, states)), np.empty(steps)
    forward(start, transition, emission, observed, reached, alphas, norms)
    transition_bar, emission_bar = np.zeros(transition.shape), np.zeros(emission.shape)
    alpha_bar, reached_bar = np.zeros(states), np.empty(states)
    for t in range(steps - 1, -1, -1):
        along = 1.0  # the norm counts in the loss, and divides the states
        for j in range(states):
            along -= alpha_bar[j] * alphas[t, j]
        inverse = 1.0 / norms[t]
        for j in range(states):
            new_bar = (alpha_bar[j] + along) * inverse
            emission_bar[j, observed[t]] += new_bar * reached[t, j]
            reached_bar[j] = new_bar * emission[j, observed[t]]
        if t > 0:
            for i in range(states):
                total = 0.0
                for j in range(states):
                    transition_bar[i, j] += alphas[t - 1, i] * reached_bar[j]
                    total += transition[i, j] * reached_bar[j]
                alpha_bar[i] = total
    return reached_bar, transition_bar, emission_bar
