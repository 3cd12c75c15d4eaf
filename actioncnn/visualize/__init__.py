"""What a unit of a network looks for."""
