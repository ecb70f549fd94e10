"""Reports: a sweep or a project as one HTML file that opens anywhere, and its plots as pictures."""
