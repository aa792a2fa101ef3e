"""Attacks on the wall around specs, services and secrets, one module for each way in; nothing leaves the loopback."""
