"""Makes the weights that the program ships. Nothing at run time imports it."""
