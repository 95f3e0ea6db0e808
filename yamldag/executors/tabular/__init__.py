"""Tables as files: CSV, JSON, JSON lines and Parquet, read and written row by row in constant memory."""
