"""What is told of results: figures, tables, pictures."""
