"""Parse, call, print, exit; the only home of click."""
