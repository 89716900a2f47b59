"""What the sessions of a server wait for, sampled once a second."""
