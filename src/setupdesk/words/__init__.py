"""The words of the product in the language of who reads them, from one catalogue for all doors."""
