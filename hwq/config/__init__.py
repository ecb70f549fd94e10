"""Project files: from YAML to checked objects."""
