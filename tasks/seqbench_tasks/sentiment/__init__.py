"""Sentiment: the tokens of a review → its class."""
