"""What an image is: references, manifests, config, history, Dockerfiles, provenance, overlays."""
