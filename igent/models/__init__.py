"""Everything between a prompt and the bytes. The only room that imports `openai`."""
