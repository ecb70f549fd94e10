"""Drivers and benches that run emitted Verilog under cocotb; they see Verilog, manifest and vectors only."""
