"""From located trees to a checked plan."""
