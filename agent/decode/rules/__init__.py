"""What the settings say of a route: names, further columns, business values."""
