"""Programs of numbers with branches that data decide: functions `f(x, y)`, and of `a, n` where they loop."""

NUMBERS = {
    "one-sided": """
        def f(x, y):
            s = y
            if x > 1.0:
                s = x * y
            return s
    """,
    "two-sided": """
        def f(x, y):
            if x > y:
                s, t = x * y, x
            else:
                s, t = x + y, y
            return s, t
    """,
    "elif": """
        def f(x, y):
            if x > 1.0:
                s = x
            elif x > 0.0:
                s = x * y
            elif y > 0:
                s = 2.0
            else:
                s = -y
            return s
    """,
    "nested": """
        def f(x, y):
            s = 1.0
            if x > 0:
                if y > 0:
                    s = x
                else:
                    s += y
                s = s * 2.0
            elif y > x:
                if y > -0.5:
                    s = s - y
            return s
    """,
    "no comparison": """
        def f(x, y):
            s = 0.0
            if x:
                s = y
            if not y:
                s = s + 1.0
            return s
    """,
    "constants": """
        def f(x, y):
            if x > 0:
                k, name = 1, "same"
            else:
                k, name = 2.5, "same"
            return k * y if name == "same" else 0.0
    """,
    "integers": """
        def f(x, y):
            k = 0
            if x > 0:
                k = k + 3
            return k * y, k
    """,
    "flags of the user": """
        def f(x, y):
            positive = False
            if x > 0:
                positive = True
            small = True
            if y > 0.5 and not positive:
                small = False
            return x if positive else (y if small else x * y)
    """,
    "numbers that are computed before": """
        def f(x, y):
            a = x * 2.0
            if y > 0:
                a, b = y, a
            else:
                b = a
            return a - b
    """,
    "tuples, lists, dicts": """
        def f(x, y):
            t, l, d = (x, 1), [x, [y, 2.0]], {"a": x, "b": 1}
            if x > y:
                t, l, d = (y, 1), [y, [x, 3.0]], {"a": y, "b": 1}
            return t, l, d["a"] * d["b"]
    """,
    "a dead name": """
        def f(x, y):
            if x > 0:
                z = [x]
                s = z[0]
            else:
                z = "nothing"
                s = y
            return s
    """,
    "a name of one branch, not read": """
        def f(x, y):
            if x > 0:
                z = x * y
            for z in range(3):
                y = y + z
            return y
    """,
    "a call": """
        def g(x, y):
            if x > 0:
                return x * y
            return y

        def f(x, y):
            return g(x, y) + g(y, x)
    """,
    "a closure": """
        def f(x, y):
            def scaled(z):
                return z * s
            s = 1.0
            if x > 0:
                s = y
            return scaled(x)
    """,
    "an inner function": """
        def f(x, y):
            if x > 0:
                g = lambda z: z * x
                s = g(y)
            else:
                s = y
            return s
    """,
    "nothing to do": """
        def f(x, y):
            if x > 0:
                pass
            return y
    """,
    "booleans": """
        def f(x, y):
            b = x > 0
            if y > 0:
                b = y > x
            return b
    """,
    "min and max": """
        def f(x, y):
            return max(x, y), min(x, y, 0.0), abs(x), max(0, x) * min(1.0, y)
    """,
    "an assertion in a branch": """
        def f(x, y):
            if x > 0:
                s = x
            elif x <= 0:
                s = y
            else:
                assert False, "not a number"
            return s
    """,
    "errors in every branch of a branch": """
        def f(x, y):
            s = x
            if x * x < 0.0:
                s = 1.0
                if y > 0:
                    assert False, "positive"
                else:
                    s = [x][1]
            return s
    """,
    "a loop without trips": """
        def f(x, y):
            s = y
            if x > 0:
                for _ in range(0):
                    s = s * x
            return s
    """,
}

EXPRESSIONS = {
    "x if x > 0 else -x",
    "x if x > y else y if y > 0 else 1.0",
    "1 if x > y else 0",
    "(x, 1.0) if x > 0 else (y, 2.0)",
    "x and y",
    "x or y",
    "(x or y) and (y or 1.0)",
    "x > 0 and y > 0",
    "x > 0 or y > 0",
    "not (x > 0 or not y > 0)",
    "not x",
    "0 < x < y",
    "0.0 < x <= y < 1.0",
    "(0 < x < 1.0) * x",
    "x > 0 and 1.0 / y > 2.0",
    "bool(x) and bool(y)",
    "(x > 0 and True, x > 0 and False, x > 0 or True, x > 0 or False)",
    "(True and x > 0, False or x > 0)",
    "x if np.isfinite(x) and not np.isnan(y) else 0.0",
    "[x, y][0] if x > y else [x, y][1]",
    "(lambda z: z * z if z > y else z)(x)",
    "sum(z if z > 0 else 0.0 for z in (x, y, x * y))",
    "x if np.any(np.array([x, y]) > 0) else y",
    "x if any([x > 0, y > 0]) and not all([x > 0, y > 0]) else y",
    "(any([x > 0, 1]), all([x > 0, 0]), any([]), all([]), any((x, y)), all(z > 0 for z in (x, y)))",
    "any(2.0 * z > 1.0 for z in (x, y) if z is not None)",
    "x if np.array(y) > 0 else 1.0",
    "x if (x > 0 and y) or not (y and x < 1.0) else 2.0",
    "(x in (2.0, y, -0.4), x not in [2.0, y], 2.0 in (x, y), 2.0 in (), 1 < 2 in (x, 2))",
}

RETURNS = {
    "early": """
        def f(x, y):
            if x > 1.0:
                return x
            y = y * 2.0
            return y
    """,
    "in the middle": """
        def f(x, y):
            s = x * y
            if x > 0:
                if y > 0:
                    return s
                s = s + 1.0
            z = s * 2.0
            if z > 1.0:
                return z
            return z - x
    """,
    "a name that the returning branch lacks": """
        def f(x, y):
            if x > 0:
                if y > 0:
                    return 1.0
                z = x * y
            else:
                z = y
            return z
    """,
    "a name that is something else where it returns": """
        def f(x, y):
            z = None
            if x > 0:
                if y > 0:
                    z = "unused"
                    return 1.0
                z = x * y
            else:
                z = y
            return z
    """,
    "int or float": """
        def f(x, y):
            if x > 0:
                return 0
            return y
    """,
    "pairs": """
        def f(x, y):
            if x > 0:
                if y > 0:
                    return x, [y, 1.0]
                x = x + 1.0
            return y, [x, 2.0]
    """,
    "arrays": """
        def f(x, y):
            if x > 0:
                if y > 0:
                    return np.full(3, x)
                x = x + 1.0
            return np.array([x, y, 1.0])
    """,
    "nothing": """
        def f(x, y):
            if x > 0:
                if y > 0:
                    return
            return None
    """,
    "every branch": """
        def f(x, y):
            if x > y:
                return x
            elif x > 0:
                return x * y
            else:
                return y
    """,
    "from a helper": """
        def g(x, y):
            if x > 0:
                if y > 0:
                    return x
                y = y * y
            return y

        def f(x, y):
            z = g(x, y)
            if z > 0.5:
                return g(z, x)
            return g(y, z) * 2.0
    """,
    "in a short loop": """
        def f(x, y):
            for k in range(3):
                if k == 1:
                    continue
                x = x * y + k
            return x
    """,
}

SHORT_CIRCUITS = {
    "and": """
        def f(a, n):
            k = 0
            for i in range(n):
                if i < 3 and a[i] < 0.5:
                    k += 1
            return k
    """,
    "or": """
        def f(a, n):
            k = 0
            for i in range(n):
                if i >= 3 or a[i] < 0.5:
                    k += 1
            return k
    """,
    "chain": """
        def f(a, n):
            k = 0
            for i in range(n):
                if 0.0 <= i < 3 < 4 + a[i] * a[i] * 0:
                    k += 1
            return k
    """,
    "ternary": """
        def f(a, n):
            s = 0.0
            for i in range(n):
                s += a[i] if i < 3 else 1.0
            return s
    """,
    "a static index": """
        def f(a, n):
            s = 0.0
            for i in range(n):
                if i > 99:
                    s += a[7]
            return s
    """,
    "what does not depend on the loop": """
        def f(a, n):
            table = [1.0, 2.0]
            s = 0.0
            if a[0] > 5.0:
                s = table[5] + 1 // 0
            return s
    """,
}
