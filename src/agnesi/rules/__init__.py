"""Graph passes that are sets of rules; each file is one pass, named by a verb."""
