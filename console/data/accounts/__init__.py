"""Users, API keys, login sessions and the trail of what was done to them."""
