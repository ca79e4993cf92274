"""One module for each question; each takes tables and gives a Result."""
