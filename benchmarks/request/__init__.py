"""What one request costs: this package's parts beside Django's own, WSGI call by WSGI call."""
