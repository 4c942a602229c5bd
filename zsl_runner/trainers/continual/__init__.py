"""Tasks one after the other: plainly, held near the old network, or near the old and an auxiliary one (ANCL)."""
