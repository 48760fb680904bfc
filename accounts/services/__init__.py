"""What people may ask for: each function is one audited change."""
