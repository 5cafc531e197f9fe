"""The straight line from a source to a report; the only room that knows all the others."""
