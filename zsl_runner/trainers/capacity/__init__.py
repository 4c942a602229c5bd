"""Training of JointVAE: divergences held at capacities that grow."""
