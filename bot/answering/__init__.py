"""How an answer is written from what was found."""
