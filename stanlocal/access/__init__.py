"""Access to NATS servers: logins, certificates, permissions, and the folder of a group's secrets."""
