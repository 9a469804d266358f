"""Prompt functions: labeling functions that ask a language model, and all that keeps them honest and cheap."""
