"""Pages, JSON API, server-sent events and sign-in."""
