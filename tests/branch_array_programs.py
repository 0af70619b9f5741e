"""Programs of arrays with branches that data decide: functions `f(x, y)` of two vectors."""

ARRAYS = {
    "a write": """
        def f(x, y):
            if x[0] > 0:
                x[1] = y[0]
            return x
    """,
    "writes of different arrays": """
        def f(x, y):
            if x[0] > 0:
                x[1:] += y[1:]
            else:
                y[:] = x * 2.0
            return x, y
    """,
    "a branch that is not taken with NaN": """
        def f(x, y):
            z = np.sqrt(x)
            if y[0] > 0:
                z = y * 2.0
            return z
    """,
    "two new arrays": """
        def f(x, y):
            if x[0] > 0:
                z = x * 2.0
            else:
                z = y + 1.0
            z[0] = 5.0
            return z, x
    """,
    "one of two arrays": """
        def f(x, y):
            z = x
            if x[0] > 0:
                z = y
            return z * 2.0 + x
    """,
    "a swap": """
        def f(x, y):
            if x[0] > 0:
                x, y = y, x
            return x - 2.0 * y
    """,
    "a swap, then a write": """
        def f(x, y):
            u, v = x * 1.0, y * 1.0
            if x[0] > 0:
                u, v = v, u
            u[0] = 9.0
            return u - v
    """,
    "a name for an array written under its other name": """
        def f(x, y):
            z = x
            if x[0] > 0:
                x[1] = 7.0
            return z + x
    """,
    "two names for one of two arrays": """
        def f(x, y):
            if x[0] > 0:
                z = x * 2.0
                w = z
            else:
                z = y * 3.0
                w = z
            z[1] = 4.0
            return w
    """,
    "views": """
        def f(x, y):
            if x[0] > 0:
                z = x[1:]
            else:
                z = y[:-1]
            return z * z
    """,
    "a write through a view": """
        def f(x, y):
            z = x[1:]
            if y[0] > 0:
                z[0] = 3.0
            z[-1] += 1.0
            return x
    """,
    "a view made in a branch": """
        def f(x, y):
            if y[0] > 0:
                z = x[1:]
                z[0] = 3.0
                z *= 2.0
            return x
    """,
    "masks": """
        def f(x, y):
            if np.any(x > 0.5):
                x[x > 0.5] = 0.0
            return x
    """,
    "a helper that writes": """
        def g(z, a):
            if a > 0:
                z[0] = a
            return z

        def f(x, y):
            w = g(x, y[0])
            w[1] = 2.0
            return x, g(y, x[1])
    """,
    "nested, with an array of a branch": """
        def f(x, y):
            z = x * 1.0
            if x[0] > 0:
                w = y * 2.0
                if y[0] > 0:
                    w[0] = 1.0
                    z[1] = w[0]
                z = z + w
            return z
    """,
    "an array in a tuple": """
        def f(x, y):
            t = (x, 1.0)
            if x[0] > 0:
                t = (y, 2.0)
            return t[0] * t[1]
    """,
    "rank 0": """
        def f(x, y):
            t = np.array(x[0])
            if t > 0:
                t[...] = y[0]
            return t
    """,
    "a view of one array at two places": """
        def f(x, y):
            if y[0] > 0:
                z = x[:2]
            else:
                z = x[-2:]
            return z + 1.0
    """,
    "new arrays in loops of branches": """
        def f(x, y):
            z = np.zeros(len(x))
            if x[0] > 0:
                for i in range(len(x)):
                    z[i] = x[i] * y[i]
            else:
                for i in range(1, len(x)):
                    z[i] = z[i - 1] + y[i]
            return z
    """,
}

ALIASES = {
    "the array that may be written": """
        def f(x, y):
            z = x
            if y[0] > 0:
                z = y
            z[0] = 1.0
            return x
    """,
    "the name that may be written": """
        def f(x, y):
            z = x
            if y[0] > 0:
                z = y
            x[0] = 1.0
            return z
    """,
    "an array behind two branches": """
        def f(x, y):
            z = x
            if y[0] > 0:
                w = y
                if x[0] > 0:
                    w = x
                z = w
            z[0] = 1.0
            return y
    """,
    "a view of one of two": """
        def f(x, y):
            z = x[1:]
            if y[0] > 0:
                z = y[1:]
            z[0] = 1.0
            return x
    """,
    "a name in a loop": """
        def f(x, y):
            u = x * 1.0
            s = 0.0
            for i in range(len(x) - 2):
                if x[i] > 0:
                    u = y
                u[2] = 0.5
                s += y[i]
            return s
    """,
    "a list": """
        def f(x, y):
            l = [x[0]]
            m = l
            if y[0] > 0:
                l = [y[0]]
            m[0] = 7.0
            return l[0]
    """,
    "a list that is one of two": """
        def f(x, y):
            l = [x[0]]
            m = l
            if y[0] > 0:
                l = [y[0]]
            l[0] = 7.0
            return m[0]
    """,
}

LOOPS = {
    "a sum of positives": """
        def f(x, y):
            s = 0.0
            for i in range(len(x)):
                if x[i] > 0:
                    s += x[i] * y[i]
            return s
    """,
    "continue": """
        def f(x, y):
            out = np.zeros(len(x))
            for i in range(len(x)):
                if x[i] < 0:
                    continue
                out[i] = x[i] * y[i]
            return out
    """,
    "nested continue": """
        def f(x, y):
            s = 0.0
            for i in range(len(x)):
                if x[i] > 0:
                    if y[i] > 0:
                        continue
                    s += x[i]
                s = s * y[i]
            return s
    """,
    "an upwind stencil": """
        def f(x, y):
            out = np.zeros(len(x))
            for i in range(1, len(x) - 1):
                if y[i] > 0:
                    out[i] = y[i] * (x[i] - x[i - 1])
                else:
                    out[i] = y[i] * (x[i + 1] - x[i])
            return out
    """,
    "the largest": """
        def f(x, y):
            best, place = x[0], 0
            for i in range(1, len(x)):
                if x[i] > best:
                    best, place = x[i], i
            return best * y[place]
    """,
    "a limiter": """
        def f(x, y):
            for i in range(len(x)):
                x[i] = max(min(x[i], 0.5), -0.5) if y[i] > 0 else abs(x[i])
            return x
    """,
    "first trip": """
        def f(x, y):
            out = np.zeros(len(x))
            for i in range(len(x)):
                out[i] = x[i] + (out[i - 1] if i > 0 else 0.0)
            return out
    """,
    "both ends": """
        def f(x, y):
            n = len(x)
            out = np.zeros(n)
            for i in range(n):
                if i == 0:
                    out[i] = x[i + 1] - x[i]
                elif i == n - 1:
                    out[i] = x[i] - x[i - 1]
                else:
                    out[i] = 0.5 * (x[i + 1] - x[i - 1])
            return out
    """,
    "bubble sort": """
        def f(x, y):
            n = len(x)
            for i in range(n):
                for j in range(n - 1):
                    if x[j] > x[j + 1]:
                        x[j], x[j + 1] = x[j + 1], x[j]
            return x
    """,
    "an array of one branch": """
        def f(x, y):
            u = x * 1.0
            for i in range(len(x)):
                if y[i] > 0:
                    u = u * 0.5 + y
                else:
                    u[i] = 2.0
            return u
    """,
    "a state": """
        def f(x, y):
            state, count = 0, 0
            for i in range(len(x)):
                if state == 0:
                    if x[i] > 0:
                        state = 1
                elif y[i] > 0:
                    state, count = 0, count + 1
            return count, state
    """,
}
