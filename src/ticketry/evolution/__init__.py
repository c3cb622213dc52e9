"""Parts of evolutionary searches, without torch where they need none; the methods put them together."""
