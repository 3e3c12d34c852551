"""Dialects of requests and answers, a file each; language models' are in `agent.decode.llm`."""
