"""Small programs, one a construct, each with the arguments it is called with."""

LIST = [3, 0, 1, 2]

PROGRAMS = {
    "sum": ("def f(xs):\n s = 0\n for x in xs: s += x\n return s", [(LIST,), ([],)]),
    "falls off its end": ("def f(x):\n t(x)", [(1,)]),
    "docstring only": ('def f():\n "nothing"', [()]),
    "docstring": ('def f(x):\n "doc"\n return x', [(1,)]),
    "pass": ("def f():\n pass", [()]),
    "bare return": ("def f(x):\n if x: return\n t(x)\n return", [(0,), (1,)]),
    "early return": ("def f(x):\n if x > 1: return 'big'\n t(x)\n return 'small'", [(0,), (2,)]),
    "return on some paths": (
        "def f(x):\n if x:\n  if x > 1: return 1\n  t('a')\n t('b')",
        [(0,), (1,), (2,)],
    ),
    "return in every branch": ("def f(x):\n if x: return 1\n else: return 2\n t('never')", [(0,), (1,)]),
    "code out of reach binds": ("def f(x):\n if x: return y\n return 1\n y = 2", [(0,), (1,)]),
    "break": ("def f(xs):\n for x in xs:\n  if x == 1: break\n  t(x)\n return x", [(LIST,), ([],)]),
    "break takes no further item": (
        "def f(xs):\n i = iter(xs)\n for x in i:\n  if x == 0: break\n return list(i)",
        [(LIST,)],
    ),
    "continue": ("def f(xs):\n for x in xs:\n  if x % 2: continue\n  t(x)", [(LIST,)]),
    "nested continue": (
        "def f(xs):\n for x in xs:\n  if x > 0:\n   if x > 2: continue\n   t('a')\n  t(x)",
        [(LIST,)],
    ),
    "break and continue": (
        "def f(xs):\n for x in xs:\n  if x == 0: continue\n  if x == 2: break\n  t(x)\n t(x)",
        [(LIST,)],
    ),
    "return from nested loops": (
        "def f(xs):\n for x in xs:\n  for y in xs:\n   t((x, y))\n   if x + y == 1: return x\n"
        "  t('end')\n return -1",
        [(LIST,), ([5],)],
    ),
    "for else": (
        "def f(xs):\n for x in xs:\n  if x == 0: break\n else: t('else')\n t('end')",
        [(LIST,), ([1],)],
    ),
    "for else return": (
        "def f(xs):\n for x in xs:\n  if x == 0: return 1\n else: return 2\n return 3",
        [(LIST,), ([1],)],
    ),
    "else leaves the loop around": (
        "def f(xs):\n for x in xs:\n  for y in xs:\n   if y == x + 1: break\n  else: break\n"
        "  t(x)\n t('end')",
        [(LIST,), ([0, 1],)],
    ),
    "while": ("def f(n):\n while n > 0: n -= 1; t(n)\n return n", [(3,), (0,)]),
    "while else": ("def f(n):\n while n > 0:\n  n -= 1\n  if n == 4: break\n else: t('else')", [(3,), (6,)]),
    "while true": ("def f(n):\n while True:\n  n += 1\n  if n > 5: return n", [(0,)]),
    "while true, break": ("def f(n):\n while True:\n  n += 1\n  if n > 5: break\n return n", [(0,)]),
    "while with continue": ("def f(n):\n while n:\n  n -= 1\n  if n % 2: continue\n  t(n)", [(6,)]),
    "the test is evaluated each time": ("def f(n):\n i = 0\n while t(i) < n: i += 1", [(3,)]),
    "elif": (
        "def f(x):\n if x < 0: y = -1\n elif x > 0: y = 1\n else: y = 0\n return y",
        [(-2,), (0,), (2,)],
    ),
    "unbound local": ("def f(x):\n if x:\n  y = 1\n return y", [(0,), (1,)]),
    "unbound after a loop": ("def f(xs):\n for x in xs:\n  y = x\n return x, y", [([],), (LIST,)]),
    "unbound in place": ("def f():\n y += 1", [()]),
    "unbound in a closure": ("def f():\n def g(): return y\n g()\n y = 1", [()]),
    "unknown global": ("def f(x):\n t(1)\n return missing", [(1,)]),
    "and, or": ("def f(x, y):\n return t(x) and t(y) and 5, t(x) or t(y) or 5", [(0, 1), (2, 0), (3, 4)]),
    "not": ("def f(x):\n return not x, not not x", [(0,), ([],), (1,)]),
    "ternary": ("def f(x):\n return t(1) if t(x) else t(2) if x is None else t(3)", [(0,), (1,), (None,)]),
    "chained comparison": ("def f(x):\n return 0 < t(x) <= t(5) < t(9)", [(0,), (3,), (7,)]),
    "chained membership": (
        "def f(x, xs):\n return x in xs is not None, 1 == x not in xs",
        [(1, LIST), (9, LIST)],
    ),
    "chain of different things": (
        "def f(x, y):\n return x == y is True, 1 < x != 3 > 2",
        [(True, 1), (3, True), (2, 2)],
    ),
    "assert": ("def f(x):\n assert x, t('message')\n assert x > 1\n return x", [(0,), (1,), (2,)]),
    "augmented name": ("def f(xs):\n ys = xs\n ys += [1]\n return xs", [(LIST,)]),
    "augmented operators": (
        "def f(x):\n x += 3; x -= 1; x *= 7; x //= 2; x **= 2; x %= 31\n"
        " x <<= 3; x >>= 1; x |= 1; x &= 14; x ^= 5\n"
        " y = x; y /= 4\n return x, y",
        [(2,)],
    ),
    "augmented item, order": ("def f(xs):\n t(xs)[t(0)] += t(xs.pop())\n return xs", [([1, 2],)]),
    "augmented item fails first": ("def f(xs):\n xs[9] += t(1)", [(LIST,)]),
    "augmented attribute": (
        "class P: pass\ndef f(x):\n p = P()\n p.v = x\n p.v += t(2)\n p.v *= p.v\n return p.v",
        [(3,)],
    ),
    "item assignment, order": ("def f(xs):\n t(xs)[t(1)] = t(5)\n return xs", [(LIST,)]),
    "attribute assignment, order": (
        "class P: pass\np = P()\ndef f(x):\n t(p.__class__.__name__)\n t(p).v = t(x)\n return p.v",
        [],
    ),
    "slices": (
        "def f(xs):\n xs[1:3] = [7]\n ys = xs[::-1]\n ys[:1] += [8]\n"
        " return xs, ys, xs[-1:], {(1, 2): 3}[1, 2]",
        [(LIST,)],
    ),
    "many targets": ("def f(xs):\n a = xs[0] = b, c = t((5, 6))\n return a, b, c, xs", [(LIST,)]),
    "unpacking": ("def f(p):\n a, (b, [c, d]) = p\n return a, b, c, d", [((1, (2, (3, 4))),), ((1, 2),)]),
    "starred": (
        "def f(xs):\n a, *b = xs\n *c, d = b\n c.append(9)\n return a, b, c, d",
        [(LIST,), ([],), ([1],)],
    ),
    "unpacked from left to right": (
        "def f(xs):\n i = 0\n i, xs[i] = 1, 9\n xs[i], i = 8, 0\n return i, xs",
        [(LIST,)],
    ),
    "swap": ("def f(a, b):\n for i in range(3): a, b = b, a\n return a, b", [(1, 2)]),
    "for over pairs": (
        "def f(xs):\n for i, (x, y) in enumerate(zip(xs, xs[1:])): t((i, x, y))\n return i, x, y",
        [(LIST,), ([1],)],
    ),
    "for into an item": ("def f(xs):\n for xs[0] in (5, 6): t(xs[1])\n return xs", [(LIST,)]),
    "annotations": ("def f(x: 'nowhere') -> None:\n y: nowhere = x\n z: int\n return y", [(1,)]),
    "annotation makes a local": ("def f(x):\n x.y: int\n z: int\n return z", [(1,)]),
    "displays": ("def f(x):\n return [x, *[1]], {x, 2}, {x: [x], **{3: 4}}, (x, *'ab'), [0] * x", [(2,)]),
    "strings": ("def f(x):\n return f'{x!r:>{x}} {x + 1}', '%d' % x", [(4,)]),
    "comprehensions": (
        "def f(xs):\n k = 2\n return [x * k for x in xs if x if x > 1], {x for x in xs}, {x: k for x in xs},"
        " [(x, y) for x in xs for y in range(x)], sum(x for x in xs if x != k)",
        [(LIST,)],
    ),
    "comprehension hides a name": ("def f(x, xs):\n ys = [x for x in xs]\n return x, ys", [(7, LIST)]),
    "conditions in a comprehension": (
        "def f(xs):\n return [t(x) if 0 < x < 3 else -x for x in xs if x or not xs]",
        [(LIST,)],
    ),
    "generator is lazy": (
        "def f(xs):\n k = 1\n g = (t(x) * k for x in xs)\n next(g)\n k = 10\n return next(g)",
        [(LIST,)],
    ),
    "defaults": ("def f(x, y=3, *z, k=4, **m):\n return x, y, z, k, m", [(1,), (1, 2, 3)]),
    "call with everything": (
        "def g(*a, **k): return a, k\ndef f(xs, m):\n return g(1, *xs, *xs, y=2, **m), g(function=1, self=2)",
        [(LIST, {"z": 5})],
    ),
    "methods": ("def f(s):\n return s.upper().join(['a', 'b']), s.nothing", [("x",)]),
    "nested function": (
        "def f(x):\n def g(y, z=x): return x + y + z\n x += 1\n return g(1), g(1, z=5)",
        [(1,)],
    ),
    "recursion": ("def f(n):\n return n and f(n - 1) + n", [(5,)]),
    "order of decorators": (
        "def f(x):\n def plus(g): return lambda y: g(y) + 1\n def times(g): return lambda y: g(y) * 2\n"
        " @t(plus) if x else plus\n @times\n def h(y): return y\n return h(x)",
        [(0,)],
    ),
    "read by a loop alone": ("def f(x):\n if x: ys = [1]\n else: ys = [2]\n for y in ys: t(y)", [(0,), (1,)]),
    "read by a default alone": (
        "def f(x):\n if x: k = 1\n else: k = 2\n def g(y=k): return y\n return g()",
        [(0,), (1,)],
    ),
    "read by a comprehension alone": (
        "def f(x):\n if x: ys = [1]\n else: ys = [2]\n return [ys for ys in ys]",
        [(0,), (1,)],
    ),
    "nested recursion": ("def f(n):\n def g(k): return 1 if k < 2 else k * g(k - 1)\n return g(n)", [(5,)]),
    "decorators": (
        "def f(x):\n def twice(g): return lambda y: g(g(y))\n"
        " @t\n @twice\n def h(y):\n  return y + x\n return h(1)",
        [],
    ),
    "late binding": ("def f(x):\n g = lambda: x\n x += 1\n a = g()\n x = 7\n return a, g()", [(1,)]),
    "late binding through a loop": (
        "def f(n):\n s = 0\n g = lambda: s * 2\n for i in range(n):\n  s += i\n  t(g())\n return g()",
        [(4,), (0,)],
    ),
    "default binds early": (
        "def f(n):\n gs = []\n for i in range(n):\n  gs.append(lambda i=i: i)\n return [g() for g in gs]",
        [(3,)],
    ),
    "lambda with everything": (
        "def f(x):\n return (lambda a, /, b=x, *c, d, **e: (a, b, c, d, e, x))(1, d=2)",
        [(3,)],
    ),
    "function used before it is live again": (
        "def f(xs):\n for x in xs:\n  def g(y): return x + y\n  t(g(1))\n return 0",
        [(LIST,)],
    ),
    "exception in a branch": (
        "def f(x):\n for i in range(3):\n  if i > x:\n   y = 1 // (i - 2)\n return 1",
        [(0,), (5,)],
    ),
    "exception in a test": (
        "def f(x):\n y = 1\n if x > 0:\n  y = 2\n elif x['a']:\n  y = 3\n return y",
        [(0,), (1,)],
    ),
    "exception in a callee": (
        "def g(x):\n y = 1\n return y / x\ndef f(x):\n t(x)\n return g(x)",
        [(0,), (1,)],
    ),
    "exception in an iterator": (
        "def f(x):\n y = 0\n for i in (1 // (2 - k) for k in range(5)):\n  t(i)",
        [(0,)],
    ),
    "not iterable": ("def f(x):\n y = 0\n for i in x:\n  y = 1\n return y", [(3,)]),
    "unpacking in a loop fails": (
        "def f(x):\n y = 0\n for i, j in x:\n  y = 1\n return y",
        [([(1, 2), (3,)],)],
    ),
    "builtin shadowed": ("def f(len):\n vars = len + 1\n return vars", [(3,)]),
    "global shadowed later": ("def f(x):\n if x:\n  t(1)\n return t(2)\nt2 = t", [(0,), (1,)]),
    "unicode": ("def f(α):\n β = 'ä' * 3; γ = α // 0\n return β", [(1,)]),
    "long chain": (
        "def f(x):\n" + "".join(f" if x == {k}: return {k}\n" for k in range(40)),
        [(0,), (17,), (99,)],
    ),
}
