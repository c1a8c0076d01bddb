"""Official files about firms, as published, into tables: the register, accounts, premises, owners, grants, metrics."""
