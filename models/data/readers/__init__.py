"""Files of ratings, read into one table: text, Parquet, SQLite."""
