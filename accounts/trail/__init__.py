"""The audit trail as something that can be checked: records, chain, signatures."""
