"""Made-up ratings in the shape of the MUBI data."""
