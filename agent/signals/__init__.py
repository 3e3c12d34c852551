"""What exchanges become for people and their tools: metrics, spans, log lines."""
