"""Templates of texts with and without secrets; ``tests.quality.texts`` makes texts of them."""
