"""What an inference and an accelerator cost by models: operations, energy, area, and what a device makes of them."""
