"""Run firmscope: the command, the workspace and its tables, and one module per stage of the work."""
