"""ISO/IEC 7816-4: commands and answers as values, and what status words mean."""
