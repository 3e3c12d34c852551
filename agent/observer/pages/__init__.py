"""What people see of the observer by the admin port."""
