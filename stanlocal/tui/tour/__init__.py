"""The tour: lessons about failover on a scratch group, by the same screen as any other group."""
