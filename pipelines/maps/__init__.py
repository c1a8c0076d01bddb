"""Maps of a cluster: hexagons of about one kilometre over outlines of districts, flat in the page or standing in 3-D.

Nothing is merged: a hexagon on a map is a cell of the table ``cells``, and what is withheld there is withheld here.
"""
