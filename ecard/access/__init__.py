"""Who may call: agencies, registered keys (phones, terminals, operators, channels) and their sessions."""
