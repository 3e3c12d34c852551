"""What predictions are worth: silent failures, how sure the model is, what came of them."""
