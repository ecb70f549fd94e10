"""C++ for high-level synthesis: a network as one function, its layers as templates of a small header library."""
