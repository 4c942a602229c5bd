"""What every command shares: its streams, the signals it hears, and what it says about a failure."""
