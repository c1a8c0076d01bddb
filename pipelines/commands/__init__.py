"""The commands, a module per group; each offers ``register(app)`` and imports its stage only when it runs."""
