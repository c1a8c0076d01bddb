"""The shipped fictional firms, their websites, and the loopback server that plays the web for ``firmscope demo``.

No firm, page or company number here is real; the towns, postcodes and local authority codes are.
"""
