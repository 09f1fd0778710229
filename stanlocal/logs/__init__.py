"""The servers' log lines: parsed, merged in time order, followed without loss."""
