"""The gradient by spot, time, rate and volatility: one option at a time, nothing is kept."""

import math

import numpy as np

from . import as_generated

ROOT_HALF = math.sqrt(0.5)
DENSITY = 1.0 / math.sqrt(2.0 * math.pi)


@as_generated
def normal_cdf(x):
    return 0.5 * (1.0 + math.erf(x * ROOT_HALF))


@as_generated
def primal(spot, strike, years, rate, volatility):
    total = 0.0
    for i in range(len(spot)):
        spread = volatility[i] * np.sqrt(years[i])
        drift = (rate + 0.5 * volatility[i] * volatility[i]) * years[i]
        d1 = (np.log(spot[i] / strike[i]) + drift) / spread
        owed = strike[i] * np.exp(-rate * years[i])
        total += spot[i] * normal_cdf(d1) - owed * normal_cdf(d1 - spread)
    return total


@as_generated
def black_scholes(spot, strike, years, rate, volatility):
    n = len(spot)
    spot_bar, years_bar, rate_bar, volatility_bar = np.empty(n), np.empty(n), 0.0, np.empty(n)
    for i in range(n):
        root, s, t = np.sqrt(years[i]), volatility[i], years[i]
        spread = s * root
        inverse = 1.0 / spread
        d1 = (np.log(spot[i] / strike[i]) + (rate + 0.5 * s * s) * t) * inverse
        d2 = d1 - spread
        owed = strike[i] * np.exp(-rate * t)
        cdf1, cdf2 = normal_cdf(d1), normal_cdf(d2)
        d2_bar = -owed * DENSITY * np.exp(-0.5 * d2 * d2)
        d1_bar = spot[i] * DENSITY * np.exp(-0.5 * d1 * d1) + d2_bar
        inside_bar = d1_bar * inverse
        spread_bar = -d2_bar - inside_bar * d1
        discount_bar = owed * cdf2  # by rate times time
        spot_bar[i] = cdf1 + inside_bar / spot[i]
        years_bar[i] = inside_bar * (rate + 0.5 * s * s) + spread_bar * s * 0.5 / root + discount_bar * rate
        rate_bar += t * (inside_bar + discount_bar)
        volatility_bar[i] = inside_bar * s * t + spread_bar * root
    return spot_bar, years_bar, rate_bar, volatility_bar
