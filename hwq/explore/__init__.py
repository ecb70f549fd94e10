"""Design-space exploration: the points of a sweep, what each costs and how well it answers, and the best of them."""
