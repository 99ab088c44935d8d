"""Matchers and critics as AutoGen chat agents, and turn-taking. The only room that imports `autogen_agentchat`."""
