"""Functions that make the ready policies: keywords are parameters, docstrings are pages."""
