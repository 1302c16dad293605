"""What people look at: plots made from stored records and predictions."""
