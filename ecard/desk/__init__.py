"""A visit: one holder doing one item at one place; the path that everything takes."""
