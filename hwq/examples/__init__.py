"""Networks that come with hwq, each with its data, its project file and the script that made it."""
