"""What starts a task and hears of its end."""
