"""Say what is sought: the taxonomy of sectors, the judgements on firms, and the seed examples that are shipped."""
