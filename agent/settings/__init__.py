"""What `agent.config` is made of: its parts, their rules, and where settings come from."""
