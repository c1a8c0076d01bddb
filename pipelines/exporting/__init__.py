"""What a list is made of and how it becomes a file: columns, filters, and one module per family of formats."""
