"""x"""
from ...ir.parallel import parallel
