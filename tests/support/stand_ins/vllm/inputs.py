"""Prompts as the stand-in of vLLM takes them."""

TextPrompt = TokensPrompt = dict
