"""Small designs that synthesis is tried on: a memory, products, a sum."""

from __future__ import annotations

TOP = "small"


def verilog(products: int = 1) -> str:
    """A design with one memory of 2,048 bytes and ``products`` multipliers, whose names are like those of hwq."""
    operands = 8 * products
    sums = " + ".join(f"left[{8 * n + 7}:{8 * n}] * right[{8 * n + 7}:{8 * n}]" for n in range(products))
    return f"""module {TOP}(
  input clk, input rst, input [{operands - 1}:0] a, input [{operands - 1}:0] b, input [10:0] where, input [10:0] target,
  output reg [19:0] sum, output reg [7:0] value
);
  reg [7:0] memory [0:2047];
  reg [{operands - 1}:0] left, right;
  reg [10:0] address;
  always @(posedge clk) begin
    left <= a; right <= b; address <= where;
    value <= memory[address];
    if (left[0]) memory[target] <= right[7:0];
    sum <= rst ? 20'd0 : sum + {sums};
  end
endmodule
"""
