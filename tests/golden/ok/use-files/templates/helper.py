def go(table: str) -> str:
    return table
