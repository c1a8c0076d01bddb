"""Who entered and left each list between two states of the tables, each with exactly one cause.

``states`` and ``result`` are plain values, ``attributing`` is the rule that finds a cause and reads nothing;
``comparing`` reads what the rule needs from the tables' history, and of it only what concerns firms that moved.
"""
