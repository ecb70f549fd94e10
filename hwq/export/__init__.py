"""What leaves hwq: Verilog, memory images, manifest, header, testbench."""
