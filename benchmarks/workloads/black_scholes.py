"""European calls by Black and Scholes (1973); the gradient is their delta, theta, rho and vega."""

import numpy as np
from scipy.special import erf

ARGNUMS = (0, 2, 3, 4)
SIZES = {"small": 10_000, "medium": 100_000, "large": 1_000_000}


def normal_cdf(x):
    return 0.5 * (1.0 + erf(x / np.sqrt(2.0)))


def black_scholes(spot, strike, years, rate, volatility):
    spread = volatility * np.sqrt(years)
    d1 = (np.log(spot / strike) + (rate + 0.5 * volatility**2) * years) / spread
    d2 = d1 - spread
    calls = spot * normal_cdf(d1) - strike * np.exp(-rate * years) * normal_cdf(d2)
    return np.sum(calls)


def arguments(size):
    rng = np.random.default_rng(6)
    return (
        rng.uniform(80.0, 120.0, size),
        rng.uniform(80.0, 120.0, size),
        rng.uniform(0.1, 2.0, size),
        0.03,
        rng.uniform(0.1, 0.5, size),
    )
