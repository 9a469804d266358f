"""Reports as text, the same in a notebook and on the command line."""
