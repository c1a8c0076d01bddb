"""Counts with an error bar: what the classifier's mistakes do to a count, and how far an audit can put it right.

``records`` holds the values; ``rates`` says what share of each stratum belongs to the sector, ``totals`` adds firms,
employees or turnover up with it, ``choice`` decides on which evidence; ``quantification`` holds the textbook
estimators for comparison.
"""
