"""What every part that speaks to the network shares: addresses, trust, proxies, waiting. Knows no protocol."""
