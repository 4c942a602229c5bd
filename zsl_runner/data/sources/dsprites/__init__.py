"""dSprites: shapes drawn from known factors."""
