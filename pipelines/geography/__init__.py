"""Where a postcode lies: coordinates, district, the areas that hold it, hexagons of about one kilometre."""
