"""The morning after a night: whether its figures may be published, and what a person is told of it.

``gate`` decides on plain facts that ``gathering`` reads from the tables; ``facts`` holds everything that is told, and
the terminal, Markdown, the report's page and the metrics are four renderings of it.
"""
