"""Block-level benches: PE, array and requantizer lane under cocotb in Verilator, each against a model of its own.

``python -m sim`` runs them. A bench sees the block's Verilog, its parameters as JSON, and nothing of how it was made.
"""
