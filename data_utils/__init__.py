"""From files to arrays: the MVTec AD layout, reading and caching pictures, demo data."""
