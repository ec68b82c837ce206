"""The offline backbone: drawn pictures, training on them, measures of its use."""
