"""Training on seen classes alone: the usual procedure of VZSL, and the equal-budget control of EM."""
