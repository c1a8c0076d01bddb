"""Fetch firms' websites politely and turn them into the text a classifier may read.

Importing this package is cheap on purpose: Scrapy and Twisted are only loaded in the child process that
``crawler.process.crawl`` starts, because a Twisted reactor can be run once per process and never again.
"""
