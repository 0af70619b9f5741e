"""Logistic regression: the risk of O-ring damage against temperature, before the last flight of Challenger.

The data are the 23 shuttle flights before 28 January 1986: the temperature of the joints at launch (degrees
Fahrenheit), and whether any O-ring was damaged (Dalal, Fowlkes and Hoadley, "Risk analysis of the space
shuttle", Journal of the American Statistical Association 84, 1989). The maximum likelihood is at

    log odds = 15.043 - 0.2322 T

which puts the risk at 31 F, the temperature on that morning, above 99.9 %.
"""

import numpy as np

INTACT = [66, 69, 68, 67, 72, 73, 70, 78, 67, 67, 75, 70, 81, 76, 79, 76]
DAMAGED = [70, 57, 63, 70, 53, 75, 58]


def loss(weights, temperature, damaged):
    """Minus the logarithm of the likelihood of the flights, given intercept and slope."""
    log_odds = weights[0] + weights[1] * temperature
    return np.sum(np.log1p(np.exp(log_odds)) - damaged * log_odds)


def flights():
    """Temperature less its mean over the flights, damage as 0 or 1, and that mean."""
    temperature = np.array(INTACT + DAMAGED, dtype=float)
    damaged = np.repeat([0.0, 1.0], [len(INTACT), len(DAMAGED)])
    return temperature - temperature.mean(), damaged, temperature.mean()


def fit(value_and_grad):
    """Intercept and slope (per degree Fahrenheit, at 0 F) by BFGS, from weights of zero."""
    from scipy.optimize import minimize

    centred, damaged, mean = flights()
    found = minimize(value_and_grad, np.zeros(2), args=(centred, damaged), jac=True, method="BFGS")
    return found.x[0] - found.x[1] * mean, found.x[1]


if __name__ == "__main__":
    from adcompiler import value_and_grad

    intercept, slope = fit(value_and_grad(loss))
    risk = 1.0 / (1.0 + np.exp(-(intercept + slope * 31.0)))
    print(f"log odds = {intercept:.3f} {slope:+.4f} T,  risk at 31 F: {risk:.2%}")
