"""x"""
from ...ir.parallel import parallel as _p
def parallel(eqn, known):
    f=_p(eqn, known)
    return f if f and not f.shared else None
