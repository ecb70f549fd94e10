"""Which exact integer arithmetic a program does, layer by layer, by comparison with every contract of the emulator."""
