"""``python -m tests.golden``: write the Verilog in ``rtl/golden`` anew."""

from tests.golden.verilog import write

write()
