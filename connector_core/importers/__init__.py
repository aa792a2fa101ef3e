"""First specs out of what services publish about themselves."""
