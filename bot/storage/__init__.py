"""Adapters behind the `Store` port."""
