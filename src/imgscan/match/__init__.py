"""From bytes to confirmed matches: hyperscan first, ``regex`` in a bounded window second, then named filters."""
