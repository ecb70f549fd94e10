"""The accelerator as the designer describes it: parameters, derived widths and latencies, instruction set."""
