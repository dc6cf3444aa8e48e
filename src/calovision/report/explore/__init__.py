"""Page to explore results in a browser: one file, without network."""
