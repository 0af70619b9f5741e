"""Two expressions small enough to differentiate by hand.

For L = (a b + c)^2 at a = 2, b = -3, c = 10, where e = -6, d = 4 and L = 16:

    dL/dd = 2 d = 8        dL/de = dL/dd = 8      dL/dc = dL/dd = 8
    dL/da = dL/de b = -24  dL/db = dL/de a = 16

For s = (a + b)^2 at a = 2, b = 3:  ds/da = ds/db = 2 (a + b) = 10.
"""


def loss(a, b, c):
    e = a * b
    d = e + c
    L = d**2
    return L


def square_of_sum(a, b):
    return (a + b) ** 2


if __name__ == "__main__":
    from adcompiler import adjoint

    gradient = adjoint(loss, argnums=(0, 1, 2))
    print(gradient.ir(2.0, -3.0, 10.0))
    print("dL/da, dL/db, dL/dc:", *gradient(2.0, -3.0, 10.0))
    print("ds/da, ds/db:", *adjoint(square_of_sum, argnums=(0, 1))(2.0, 3.0))
