"""The telephone of the firm: the floor's diallers, the calls of the desk, and what they sell."""
