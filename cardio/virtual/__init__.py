"""A whole social security card in software, to read without one: in this process, or in a real pcscd's reader."""
