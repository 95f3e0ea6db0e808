"""What has changed, told while it changes: server-sent events."""
