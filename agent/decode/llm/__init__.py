"""Language models' APIs: what was asked for and what came back, as numbers; no text is kept."""
