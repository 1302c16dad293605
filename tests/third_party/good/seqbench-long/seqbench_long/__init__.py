"""Long dependencies in examples that are made on the spot: the adding problem, and copy memory."""
