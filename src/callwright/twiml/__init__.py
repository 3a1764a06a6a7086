"""Instructions: documents parsed, and their verbs carried out one after the other on the control surface of a call."""
