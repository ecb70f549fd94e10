"""The command line, one module per verb; the only place that prints and that decides exit codes."""
