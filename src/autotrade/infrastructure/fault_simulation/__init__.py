"""The whole bot in one thread on a virtual clock, with everything around it failing from a seed."""
