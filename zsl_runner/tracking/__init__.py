"""What a run writes while it trains: TensorBoard events, metrics.csv, figures, a progress line."""
