"""Fonte: answers questions about a set of documents in the documents' own words, and says where they stand."""

__version__ = "0.1.0"
