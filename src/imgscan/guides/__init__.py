"""What to do when it leaked: guides per provider as data, code samples as templates, the fix of the Dockerfile.

Knows nothing of scanning; a finding of a report is only a few strings to be filled in.
"""
