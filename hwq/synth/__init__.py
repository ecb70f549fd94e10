"""What an accelerator takes of an FPGA, how fast its clock may be, and what limits it: Yosys and nextpnr."""
