"""One file a platform: each maps a chat to `Message` and sends what the outbox gives it."""
