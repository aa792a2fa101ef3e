"""What awaits: sockets, clocks and tasks; everything below it only decides."""
