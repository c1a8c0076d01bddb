"""The labelling page: judge firms in a browser, with their words, the model's view and the definition side by side.

It changes one file, ``labels.csv``, and nothing else of the workspace; everything that a website said is shown as text.
"""
