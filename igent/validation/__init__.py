"""Schema check and business rules: a draft in, a verdict out."""
