"""What every training procedure shares: the base class, the loop, optimisers, the device."""
