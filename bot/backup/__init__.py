"""``python -m bot backup`` and ``restore``: what DATA_DIR holds as one file, made while bots serve."""
